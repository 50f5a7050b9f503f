"""Cancels a duty: what was planned in it is free again for the next run."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from atmr_common.database.session import Session
from atmr_common.web.access import Caller
from atmr_common.web.problems import NotFoundError
from dispatch_api.bookings.domain import BookingState
from dispatch_api.bookings.repository import BookingRepository
from dispatch_api.duties.domain import StoredDuty
from dispatch_api.duties.errors import DutyRunningError
from dispatch_api.duties.repository import DutyRepository
from dispatch_api.duties.schemas import Duty
from dispatch_api.plans.repository import PlanRepository
from dispatch_api.plans.service import PlanService
from dispatch_api.ports import Ports, PortsDep

UNDER_WAY = frozenset({BookingState.EN_ROUTE, BookingState.ARRIVED, BookingState.ON_BOARD})
REASON = "the duty was cancelled"


class CancelDuty:
    """One cancellation; locks come in the order plan, duty, bookings, as for a commit."""

    def __init__(self, session: Session, ports: Ports) -> None:
        self._duties = DutyRepository(session)
        self._bookings = BookingRepository(session)
        self._plans = PlanRepository(session)
        self._plan_cases = PlanService(session, ports)
        self._clock = ports.clock

    async def __call__(self, caller: Caller, duty_id: UUID) -> Duty:
        """Raises DutyRunningError while a vehicle is under way to a patient or with one."""
        company_id = caller.company_id
        read = await self._find(company_id, duty_id)
        await self._plans.lock(company_id, read.day)
        duty = await self._find(company_id, duty_id, lock=True)
        if duty.cancelled_at is not None:
            return Duty.model_validate(duty)
        await self._release(caller, duty)
        cancelled = replace(duty, cancelled_at=self._clock.now(), version=duty.version + 1)
        await self._duties.update(company_id, cancelled)
        return Duty.model_validate(cancelled)

    async def _release(self, caller: Caller, duty: StoredDuty) -> None:
        company_id, now = caller.company_id, self._clock.now()
        planned = await self._plans.assignments(company_id, duty.day)
        booked = [key for key, assigned in planned.items() if assigned.duty_id == duty.id]
        bookings = await self._bookings.find_all(company_id, booked, lock=True)
        running = [str(key) for key, found in bookings.items() if found.state in UNDER_WAY]
        if running:
            raise DutyRunningError(
                f"{len(running)} transports of the duty are under way; complete or divert them.",
                bookings=running,
            )
        waiting = [key for key in booked if bookings[key].state is BookingState.ASSIGNED]
        await self._bookings.release_all(
            company_id, waiting, by=caller.subject, at=now, reason=REASON
        )
        await self._plan_cases.take_out(company_id, duty.day, waiting, "duty_cancelled")

    async def _find(self, company_id: UUID, duty_id: UUID, *, lock: bool = False) -> StoredDuty:
        duty = await self._duties.find(company_id, duty_id, lock=lock)
        if duty is None:
            raise NotFoundError(f"There is no duty {duty_id}.")
        return duty


def cancel_duty(session: Session, ports: PortsDep) -> CancelDuty:
    return CancelDuty(session, ports)


Cancel = Annotated[CancelDuty, Depends(cancel_duty)]
