"""Counts what a company uses in the transaction of what it does, and refuses beyond its quota.

Call `spend_...` last in a transaction: near a quota it holds a lock until the commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from atmr_common.runtime.clock import Clock
from atmr_common.web.problems import NotFoundError
from dispatch_api.companies.repository import CompanyRepository
from dispatch_api.companies.schemas import Company, CompanyQuotas
from dispatch_api.usage.domain import UsageDay, UsageKind, usage_day
from dispatch_api.usage.errors import QuotaExceededError
from dispatch_api.usage.repository import UsageRepository

MARGIN = 100
"""Nearer than this to a quota, a company's bookings are counted one after another, exactly; until
then open transactions do not see each other, so that more of them than this could pass by it."""


@dataclass(frozen=True, slots=True)
class UsageMetrics:
    """Over all companies: a label per company would grow without bounds and tell who they are."""

    used: Counter
    refused: Counter

    @classmethod
    def of(cls, registry: CollectorRegistry) -> UsageMetrics:
        return cls(
            Counter("atmr_usage", "What companies used, by kind.", ["kind"], registry=registry),
            Counter(
                "atmr_quota_refusals",
                "Requests beyond a company's quota, by kind.",
                ["kind"],
                registry=registry,
            ),
        )


class Quotas:
    """One per process; `defaults` are for companies without quotas of their own (null: none)."""

    def __init__(self, defaults: CompanyQuotas, clock: Clock, registry: CollectorRegistry) -> None:
        self._defaults = defaults
        self._clock = clock
        self._metrics = UsageMetrics.of(registry)

    @property
    def daily_bookings(self) -> int | None:
        """What companies without a quota of their own may book per day."""
        return self._defaults.daily_bookings

    def count_booked(self, count: int) -> None:
        """Measure bookings that were counted and committed elsewhere."""
        self._metrics.used.labels(UsageKind.BOOKINGS.value).inc(count)

    def of(self, company: Company) -> CompanyQuotas:
        """What the company may use per day; null: as much as it likes."""
        own = company.quotas.model_dump(exclude_none=True)
        return self._defaults.model_copy(update=own)

    def day_of(self, company: Company) -> UsageDay:
        """The company's present day."""
        return usage_day(self._clock.now(), ZoneInfo(company.zone))

    async def spend_bookings(self, session: AsyncSession, company_id: UUID, count: int) -> None:
        """Count new bookings. Raises QuotaExceededError when they do not fit into the day."""
        if count:
            day = await self.check_bookings(session, company_id, count)
            await self._add(session, company_id, day, UsageKind.BOOKINGS, count)

    async def check_bookings(self, session: AsyncSession, company_id: UUID, count: int) -> date:
        """The day that `count` more bookings fit into. Raises QuotaExceededError."""
        company = await _company(session, company_id)
        limit, day = self.of(company).daily_bookings, self.day_of(company)
        if limit is None:
            return day.day
        usage = UsageRepository(session)
        used = await usage.used(company_id, day.day, UsageKind.BOOKINGS)
        if limit - MARGIN < used + count:
            await usage.hold(company_id, UsageKind.BOOKINGS)
            used = await usage.used(company_id, day.day, UsageKind.BOOKINGS)
        if used + count > limit:
            self._refuse(UsageKind.BOOKINGS, limit, used, day)
        return day.day

    async def check_solver_seconds(self, session: AsyncSession, company_id: UUID) -> date:
        """The day of a new run. Raises QuotaExceededError when its search time is used up.

        A run that has begun is not cut short, so that a day may end over its quota by the runs
        that were under way.
        """
        company = await _company(session, company_id)
        limit, day = self.of(company).daily_solver_seconds, self.day_of(company)
        if limit is not None:
            used = await UsageRepository(session).used(
                company_id, day.day, UsageKind.SOLVER_SECONDS
            )
            if used >= limit:
                self._refuse(UsageKind.SOLVER_SECONDS, limit, used, day)
        return day.day

    async def spend_solver_seconds(
        self, session: AsyncSession, company_id: UUID, seconds: float
    ) -> None:
        """Count search time that was used, whatever the quota says."""
        day = self.day_of(await _company(session, company_id)).day
        await self._add(session, company_id, day, UsageKind.SOLVER_SECONDS, seconds)

    async def _add(
        self, session: AsyncSession, company_id: UUID, day: date, kind: UsageKind, amount: float
    ) -> None:
        await UsageRepository(session).add(company_id, day, kind, amount)

        def count(_: object) -> None:
            self._metrics.used.labels(kind.value).inc(amount)

        event.listen(session.sync_session, "after_commit", count, once=True)

    def _refuse(self, kind: UsageKind, limit: float, used: float, day: UsageDay) -> None:
        self._metrics.refused.labels(kind.value).inc()
        raise QuotaExceededError(
            kind, limit=limit, used=used, resets_at=day.ends_at, now=self._clock.now()
        )


async def _company(session: AsyncSession, company_id: UUID) -> Company:
    company = await CompanyRepository(session).find(company_id)
    if company is None:
        raise NotFoundError("The company of this token does not exist.")
    return company
