"""Commits a checked plan against the versions that it was made from, or refuses it whole."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from atmr_common.contracts.envelope import Event
from atmr_common.runtime.crash_points import PLAN_BETWEEN_ROWS
from dispatch_api.bookings.repository import BookingRepository
from dispatch_api.duties.repository import DutyRepository
from dispatch_api.plans.domain import Assignment, Basis, DayChangedError, NewPlan
from dispatch_api.plans.events import (
    assignment_committed,
    assignment_released,
    plan_committed,
)
from dispatch_api.plans.repository import PlanRepository
from dispatch_api.ports import Ports


class PlanCommit:
    """One optimistic commit within one session."""

    def __init__(self, session: AsyncSession, ports: Ports, by: str) -> None:
        self._session = session
        self._ports = ports
        self._by = by
        self._plans = PlanRepository(session)
        self._bookings = BookingRepository(session)
        self._duties = DutyRepository(session)

    async def commit(self, plan: NewPlan, basis: Basis) -> int:
        """Make `plan` the day's plan; returns its version.

        Raises:
            DayChangedError: when the plan, a booking or a duty is not what `basis` says.

        """
        await self._hold(plan, basis)
        version = basis.plan_version + 1
        now = self._ports.clock.now()
        before = await self._plans.assignments(plan.company_id, plan.day)
        after = plan.assignments
        await self._plans.replace(plan, version, now)
        released = sorted(before.keys() - after.keys())
        arrived = sorted(after.keys() - before.keys())
        self._ports.crash(PLAN_BETWEEN_ROWS)
        await self._bookings.release_all(plan.company_id, released, by=self._by, at=now)
        await self._bookings.assign_all(plan.company_id, arrived, by=self._by, at=now)
        changed = [item for item in after.values() if before.get(item.booking_id) != item]
        await self._tell(plan, version, changed, released)
        return version

    async def _hold(self, plan: NewPlan, basis: Basis) -> None:
        """Lock what the plan was made from, always in this order, and compare the versions."""
        version = await self._plans.lock(plan.company_id, plan.day)
        if version != basis.plan_version:
            raise DayChangedError(f"the plan is at version {version}, not {basis.plan_version}")
        duties = await self._duties.lock_versions(plan.company_id, basis.duties)
        bookings = await self._bookings.lock_versions(plan.company_id, basis.bookings)
        for kind, now, then in (
            ("duty", duties, basis.duties),
            ("booking", bookings, basis.bookings),
        ):
            moved = [key for key, value in then.items() if now.get(key) != value]
            if moved:
                raise DayChangedError(f"{kind} {moved[0]} was changed")

    async def _tell(
        self, plan: NewPlan, version: int, changed: list[Assignment], released: list[UUID]
    ) -> None:
        committed = plan_committed(plan, version, changed, released)
        events: list[tuple[Event, str, int]] = [
            (committed, f"{plan.company_id}:{plan.day.isoformat()}", version)
        ]
        events += [
            (assignment_committed(plan, item, version), str(item.booking_id), version)
            for item in changed
        ]
        events += [
            (assignment_released(plan, item, version), str(item), version) for item in released
        ]
        await self._ports.outbox.record_all(self._session, events, company_id=plan.company_id)
