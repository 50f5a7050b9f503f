"""Use cases of shifts: no two of a driver overlap, breaks can be taken, duties stay covered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends

from atmr_common.database.session import Session
from atmr_common.runtime.identifiers import new_id
from atmr_common.web.entity_versions import require_version
from atmr_common.web.pagination import Page, decode_id_cursor, page_by_id
from atmr_common.web.problems import InvalidError, NotFoundError
from dispatch_api.companies.repository import CompanyRepository
from dispatch_api.drivers.domain import Shift, ShiftError, check_shift
from dispatch_api.drivers.errors import ShiftOverlapError
from dispatch_api.drivers.repository import DriverRepository, ShiftRepository
from dispatch_api.drivers.shift_schemas import (
    NewShift,
    ShiftChange,
    ShiftView,
    breaks_within,
)
from dispatch_api.duties.domain import Span, share_breaks
from dispatch_api.duties.errors import refuse_in_use
from dispatch_api.duties.repository import DutyRepository


class ShiftService:
    """What can be done with shifts."""

    def __init__(self, session: Session) -> None:
        self._drivers = DriverRepository(session)
        self._shifts = ShiftRepository(session)
        self._duties = DutyRepository(session)
        self._companies = CompanyRepository(session)

    async def create(self, company_id: UUID, new: NewShift) -> ShiftView:
        await self._lock(company_id, new.driver_id)
        shift = Shift(
            id=new_id(),
            driver_id=new.driver_id,
            starts_at=new.starts_at,
            ends_at=new.ends_at,
            breaks=breaks_within(new.breaks, new.starts_at, new.ends_at),
        )
        await self.add(company_id, shift)
        return ShiftView.model_validate(shift)

    async def add(self, company_id: UUID, shift: Shift) -> None:
        """Add a shift of a driver whose row is locked."""
        await self._check(company_id, shift)
        await self._shifts.add(company_id, shift)

    async def get(self, company_id: UUID, shift_id: UUID) -> ShiftView:
        return ShiftView.model_validate(await self._find(company_id, shift_id))

    async def list(
        self,
        company_id: UUID,
        *,
        day: date | None,
        driver_id: UUID | None,
        cursor: str | None,
        limit: int,
    ) -> Page[ShiftView]:
        """Shifts; with a day those that share time with it, in the company's zone."""
        found = await self._shifts.list(
            company_id,
            driver_id=driver_id,
            times=await self._local_day(company_id, day) if day else None,
            after=decode_id_cursor(cursor),
            limit=limit + 1,
        )
        page = page_by_id(found, limit)
        items = [ShiftView.model_validate(shift) for shift in page.items]
        return Page(items=items, next_cursor=page.next_cursor)

    async def change(
        self, company_id: UUID, shift_id: UUID, change: ShiftChange, seen: int | None
    ) -> ShiftView:
        shift = await self._locked(company_id, shift_id)
        require_version(shift.version, seen, "shift")
        changed = _changed(shift, change)
        await self._check(company_id, changed)
        duties = await self._duties.of_drivers(
            company_id, [shift.driver_id], Span(begin=shift.starts_at, end=shift.ends_at)
        )
        bare = [duty for duty in duties if not changed.covers(duty.starts_at, duty.ends_at)]
        refuse_in_use("The shift would end too early or begin too late", bare)
        spans = {duty.id: duty.span for duty in duties}
        if share_breaks(changed.breaks, spans).impossible:
            raise InvalidError("A break fits neither into a duty nor between duties; move it.")
        await self._shifts.update(company_id, changed)
        await self._duties.touch(company_id, duties)
        return ShiftView.model_validate(changed)

    async def remove(self, company_id: UUID, shift_id: UUID) -> None:
        shift = await self._locked(company_id, shift_id)
        span = Span(begin=shift.starts_at, end=shift.ends_at)
        duties = await self._duties.of_drivers(company_id, [shift.driver_id], span)
        refuse_in_use("The shift is removed", duties)
        await self._shifts.delete(company_id, shift_id)

    async def _check(self, company_id: UUID, shift: Shift) -> None:
        try:
            check_shift(shift.starts_at, shift.ends_at, shift.breaks)
        except ShiftError as error:
            raise InvalidError(str(error)) from error
        others = await self._shifts.overlapping(
            company_id, [shift.driver_id], shift.starts_at, shift.ends_at
        )
        for other in others:
            if other.id != shift.id:
                raise ShiftOverlapError(
                    f"The driver has a shift from {other.starts_at:%Y-%m-%d %H:%M} to "
                    f"{other.ends_at:%Y-%m-%d %H:%M} UTC; change that one.",
                    shift_id=str(other.id),
                )

    async def _locked(self, company_id: UUID, shift_id: UUID) -> Shift:
        """The shift, its driver's row held before it is read for good."""
        shift = await self._find(company_id, shift_id)
        await self._lock(company_id, shift.driver_id)
        return await self._find(company_id, shift_id)

    async def _lock(self, company_id: UUID, driver_id: UUID) -> None:
        if await self._drivers.find(company_id, driver_id, lock=True) is None:
            raise NotFoundError(f"There is no driver {driver_id}.")

    async def _find(self, company_id: UUID, shift_id: UUID) -> Shift:
        shift = await self._shifts.find(company_id, shift_id)
        if shift is None:
            raise NotFoundError(f"There is no shift {shift_id}.")
        return shift

    async def _local_day(self, company_id: UUID, day: date) -> tuple[datetime, datetime]:
        """From midnight to midnight in the company's zone: 23 to 25 hours."""
        company = await self._companies.find(company_id)
        zone = ZoneInfo(company.zone) if company else UTC
        begin = datetime.combine(day, time.min, tzinfo=zone)
        return begin, datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)


def _changed(shift: Shift, change: ShiftChange) -> Shift:
    starts_at = change.starts_at or shift.starts_at
    ends_at = change.ends_at or shift.ends_at
    breaks = shift.breaks
    if change.breaks is not None:
        breaks = breaks_within(change.breaks, starts_at, ends_at)
    return replace(
        shift, starts_at=starts_at, ends_at=ends_at, breaks=breaks, version=shift.version + 1
    )


def shift_service(session: Session) -> ShiftService:
    return ShiftService(session)


Shifts = Annotated[ShiftService, Depends(shift_service)]
