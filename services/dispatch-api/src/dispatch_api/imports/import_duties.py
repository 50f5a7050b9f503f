"""Use case: import a file of duties; vehicle, drivers, shift and duty are found or created by name.

Each row is worked under a savepoint of its own, all in one transaction: what the fleet's rules
refuse takes back that row alone.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from atmr_common.web.access import Caller
from atmr_common.web.problems import ProblemError
from atmr_engine.formats.day_records import DutyRecord, Place, Point
from dispatch_api.bookings.desk import BookingDesk
from dispatch_api.drivers.domain import Break
from dispatch_api.drivers.repository import ShiftRepository
from dispatch_api.drivers.shift_schemas import NewBreak, breaks_within
from dispatch_api.duties.domain import StoredDuty
from dispatch_api.duties.repository import DutyRepository
from dispatch_api.duties.schemas import DutyChange, NewDuty
from dispatch_api.duties.service import DutyService
from dispatch_api.imports.drafts import Draft, draft_duties
from dispatch_api.imports.duty_crews import CrewFinder
from dispatch_api.imports.place_finding import PlaceFinder, UnknownPlace, WantedPlace
from dispatch_api.imports.repository import hold_imports
from dispatch_api.imports.schemas import ImportReport, RowResult
from dispatch_api.places.repository import PlaceRepository

MOST_DUTIES = 500
"""Of one day, which are read to see what is there already."""
COLUMN_OF = {
    ("NewVehicle", "name"): "vehicle",
    ("NewDriver", "name"): "driver",
    ("NewDriver", "credentials"): "skills",
    ("CredentialFields", "skill"): "skills",
    ("NewDuty", "name"): "duty_id",
    ("NewDuty", "starts_at"): "shift_start",
    ("NewDuty", "ends_at"): "shift_end",
}


class DutyImport:
    """One import within one session."""

    def __init__(self, desk: BookingDesk, caller: Caller) -> None:
        self._desk = desk
        self._caller = caller
        self._company_id = caller.company_id
        self._duties = DutyRepository(desk.session)
        self._shifts = ShiftRepository(desk.session)
        self._service = DutyService(desk.session, desk.ports)
        self._fleet = CrewFinder(desk, self._company_id)

    async def run(
        self, data: bytes, day: date | None, *, dry_run: bool, strict: bool
    ) -> ImportReport:
        """Import what is good, or with `strict` all or nothing."""
        company = await self._desk.company(self._company_id)
        zone = ZoneInfo(company.zone)
        file = await asyncio.to_thread(draft_duties, data, zone, day)
        await hold_imports(self._desk.session, self._company_id)
        savepoint = await self._desk.session.begin_nested()
        for draft, record in file.good():
            await self._import_row(draft, record, zone)
        refused = strict and file.any_bad
        if refused:
            file.leave_out()
        if dry_run or refused:
            await savepoint.rollback()
        else:
            await savepoint.commit()
        return file.report(applied=not dry_run and not refused)

    async def _import_row(
        self, draft: Draft[DutyRecord], record: DutyRecord, zone: ZoneInfo
    ) -> None:
        savepoint = await self._desk.session.begin_nested()
        try:
            await self._settle(draft, record, zone)
        except ValidationError as error:
            for item in error.errors():
                field = str(item["loc"][0]) if item["loc"] else ""
                column = COLUMN_OF.get((error.title, field), field or None)
                draft.refuse(column, item["msg"], "correct the value")
        except ProblemError as error:
            draft.refuse(None, error.detail, "correct the row, or what stands against it")
            draft.result = RowResult.CONFLICT
        if draft.errors:
            await savepoint.rollback()
        else:
            await savepoint.commit()

    async def _settle(self, draft: Draft[DutyRecord], record: DutyRecord, zone: ZoneInfo) -> None:
        """Create the duty, change the one of this name and day, or leave it as it is."""
        values: dict[str, Any] = {
            "name": record.id,
            "vehicle_id": await self._fleet.vehicle(draft, record),
            "crew": await self._fleet.crew(draft, record),
            "starts_at": record.shift_start.astimezone(UTC),
            "ends_at": record.shift_end.astimezone(UTC),
            "start_place_id": await self._place(draft, record.start, "start"),
            "end_place_id": await self._place(draft, record.end, "end"),
        }
        if draft.errors:
            return
        stored = await self._stored(record.id, record.shift_start.astimezone(zone).date())
        if stored is None:
            await self._create(draft, record, values)
        else:
            await self._change(draft, record, stored, values)

    async def _create(
        self, draft: Draft[DutyRecord], record: DutyRecord, values: dict[str, Any]
    ) -> None:
        new = NewDuty(**values, create_shifts=True, breaks=_breaks(record))
        duty = await self._service.create(self._company_id, new)
        draft.result, draft.id = RowResult.CREATED, duty.id

    async def _change(
        self,
        draft: Draft[DutyRecord],
        record: DutyRecord,
        stored: StoredDuty,
        values: dict[str, Any],
    ) -> None:
        present = {name: getattr(stored, name) for name in values} | {"crew": list(stored.crew)}
        different = {name: value for name, value in values.items() if value != present[name]}
        draft.id = stored.id
        if different:
            change = DutyChange(**different)
            await self._service.change(self._company_id, stored.id, change)
        if await self._breaks_differ(record, values["crew"][0]):
            draft.result = RowResult.CONFLICT
            draft.refuse(
                "break_min", "the driver's shift here has other breaks", "change the shift here"
            )
        else:
            draft.result = RowResult.CHANGED if different else RowResult.UNCHANGED

    async def _breaks_differ(self, record: DutyRecord, driver_id: UUID) -> bool:
        begin, end = record.shift_start.astimezone(UTC), record.shift_end.astimezone(UTC)
        told = breaks_within(_breaks(record), begin, end)
        shifts = await self._shifts.overlapping(self._company_id, [driver_id], begin, end)
        here = [pause for shift in shifts for pause in shift.breaks]
        return _sorted(told) != _sorted(here)

    async def _stored(self, name: str, day: date) -> StoredDuty | None:
        duties = await self._duties.list(
            self._company_id, day=day, with_cancelled=False, after=None, limit=MOST_DUTIES
        )
        return next((duty for duty in duties if duty.name == name), None)

    async def _place(self, draft: Draft[DutyRecord], point: Point | None, end: str) -> UUID | None:
        if point is None:
            return None
        finder = PlaceFinder(
            PlaceRepository(self._desk.session, self._desk.ports.vault), None, self._company_id
        )
        wanted = WantedPlace(Place(point=point), None)
        await finder.load([wanted])
        place = await finder.find(wanted, self._desk.ports.clock.now())
        if isinstance(place, UnknownPlace):
            draft.refuse(f"{end}_lat", place.message, place.remedy)
            return None
        await finder.create({place.id})
        return place.id


def _breaks(record: DutyRecord) -> list[NewBreak]:
    return [
        NewBreak(minutes=pause.minutes, earliest=pause.earliest, latest=pause.latest)
        for pause in record.breaks
    ]


def _sorted(breaks: Any) -> list[tuple[float, Any, Any]]:
    found: list[Break] = list(breaks)
    return sorted((item.minutes, item.earliest, item.latest) for item in found)
