"""Use cases of plans: read one, take bookings out of it, commit a new one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from atmr_common.contracts.dispatch import AssignmentReleased
from atmr_common.database.session import Session
from dispatch_api.plans.repository import PlanRepository
from dispatch_api.plans.schemas import Plan
from dispatch_api.ports import Ports, PortsDep


class PlanService:
    """What can be done with plans, apart from committing a new one (`commit.py`)."""

    def __init__(self, session: Session, ports: Ports) -> None:
        self._session = session
        self._plans = PlanRepository(session)
        self._ports = ports

    async def read(self, company_id: UUID, day: date) -> Plan:
        return await self._plans.read(company_id, day)

    async def take_out(
        self, company_id: UUID, day: date, bookings: Collection[UUID], reason: str
    ) -> None:
        """Remove bookings from the day's plan, with an event for each that was in it.

        The other stops keep their times: leaving out a stop never makes a timetable infeasible.
        """
        await self._plans.lock(company_id, day)
        planned = await self._plans.assignments(company_id, day)
        leaving = sorted(planned.keys() & set(bookings))
        if not leaving:
            return
        version = await self._plans.take_out(company_id, day, leaving)
        events = [
            (
                AssignmentReleased(
                    booking_id=booking_id, day=day, plan_version=version, reason=reason
                ),
                str(booking_id),
                version,
            )
            for booking_id in leaving
        ]
        await self._ports.outbox.record_all(self._session, events, company_id=company_id)


def plan_service(session: Session, ports: PortsDep) -> PlanService:
    return PlanService(session, ports)


Plans = Annotated[PlanService, Depends(plan_service)]
