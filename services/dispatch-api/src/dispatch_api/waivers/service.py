"""Use cases of waivers: granted by a person with a reason, never by the optimiser."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from atmr_common.database.session import Session
from atmr_common.runtime.clock import Clock
from atmr_common.runtime.identifiers import new_id
from atmr_common.web.access import Caller
from atmr_common.web.problems import NotFoundError
from dispatch_api.ports import PortsDep
from dispatch_api.waivers.repository import WaiverRepository
from dispatch_api.waivers.schemas import NewWaiver, Waiver


class WaiverService:
    """What can be done with waivers."""

    def __init__(self, waivers: WaiverRepository, clock: Clock) -> None:
        self._waivers = waivers
        self._clock = clock

    async def grant(self, caller: Caller, new: NewWaiver) -> Waiver:
        waiver = Waiver(
            id=new_id(),
            granted_by=caller.subject,
            granted_at=self._clock.now(),
            **new.model_dump(),
        )
        if not await self._waivers.subject_exists(caller.company_id, waiver):
            subject = f"booking {new.booking_id}" if new.booking_id else f"duty {new.duty_id}"
            raise NotFoundError(f"There is no {subject} on {new.day}.")
        await self._waivers.add(caller.company_id, waiver)
        return waiver

    async def of_day(self, company_id: UUID, day: date) -> Sequence[Waiver]:
        return await self._waivers.of_day(company_id, day)

    async def withdraw(self, company_id: UUID, waiver_id: UUID) -> None:
        if not await self._waivers.withdraw(company_id, waiver_id):
            raise NotFoundError(f"There is no waiver {waiver_id}.")


def waiver_service(session: Session, ports: PortsDep) -> WaiverService:
    return WaiverService(WaiverRepository(session), ports.clock)


Waivers = Annotated[WaiverService, Depends(waiver_service)]
