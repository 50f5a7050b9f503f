"""Use case: look at what a company has used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from atmr_common.database.session import Session
from dispatch_api.companies.service import Companies, CompanyService
from dispatch_api.ports import PortsDep
from dispatch_api.usage.domain import UsageKind
from dispatch_api.usage.quotas import Quotas
from dispatch_api.usage.repository import UsageRepository
from dispatch_api.usage.schemas import Usage, UsageOfDay


class UsageService:
    """Reads within one session."""

    def __init__(self, usage: UsageRepository, companies: CompanyService, quotas: Quotas) -> None:
        self._usage = usage
        self._companies = companies
        self._quotas = quotas

    async def read(self, company_id: UUID, days: int) -> Usage:
        """The last `days` days, today being one of them."""
        company = await self._companies.get(company_id)
        today = self._quotas.day_of(company)
        first = today.day - timedelta(days=days - 1)
        found = await self._usage.of_days(company_id, first, today.day)
        return Usage(
            quotas=self._quotas.of(company),
            today=_of_day(today.day, found.get(today.day, {})),
            resets_at=today.ends_at,
            days=[_of_day(day, found[day]) for day in sorted(found, reverse=True)],
        )


def _of_day(day: date, used: Mapping[str, float]) -> UsageOfDay:
    return UsageOfDay(
        day=day,
        bookings=round(used.get(UsageKind.BOOKINGS, 0)),
        solver_seconds=used.get(UsageKind.SOLVER_SECONDS, 0.0),
    )


def usage_service(session: Session, companies: Companies, ports: PortsDep) -> UsageService:
    return UsageService(UsageRepository(session), companies, ports.quotas)


UsageOfCompany = Annotated[UsageService, Depends(usage_service)]
