"""Use cases of duties: create, read, list, change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends

from atmr_common.database.session import Session
from atmr_common.runtime.identifiers import new_id
from atmr_common.web.entity_versions import require_version
from atmr_common.web.pagination import Page, decode_id_cursor, page_by_id
from atmr_common.web.problems import ConflictError, InvalidError, NotFoundError
from dispatch_api.companies.repository import CompanyRepository
from dispatch_api.drivers.domain import StoredDriver
from dispatch_api.duties.domain import StoredDuty
from dispatch_api.duties.errors import DutyCancelledError
from dispatch_api.duties.repository import DutyRepository
from dispatch_api.duties.schemas import LONGEST, Duty, DutyChange, NewDuty
from dispatch_api.duties.staffing import Staffing
from dispatch_api.places.repository import PlaceRepository
from dispatch_api.ports import Ports, PortsDep
from dispatch_api.uniqueness import unique

NAME_TAKEN = "Another duty of this day has this name; choose another one."


class DutyService:
    """What can be done with duties, apart from cancelling one (`cancel_duty.py`)."""

    def __init__(self, session: Session, ports: Ports) -> None:
        self._session = session
        self._duties = DutyRepository(session)
        self._staffing = Staffing(session)
        self._places = PlaceRepository(session, ports.vault)
        self._companies = CompanyRepository(session)
        self._clock = ports.clock

    async def create(self, company_id: UUID, new: NewDuty) -> Duty:
        zone = await self._zone(company_id)
        vehicle, crew = await self._staffing.hold(company_id, new.vehicle_id, new.crew)
        duty = StoredDuty(
            id=new_id(),
            name=new.name,
            day=new.starts_at.astimezone(zone).date(),
            vehicle_id=new.vehicle_id,
            crew=tuple(new.crew),
            starts_at=new.starts_at,
            ends_at=new.ends_at,
            created_at=self._clock.now(),
            start_place_id=_end(new, "start_place_id", crew[0]),
            end_place_id=_end(new, "end_place_id", crew[0]),
        )
        await self._check_places(company_id, duty)
        if new.create_shifts:
            await self._staffing.create_shifts(company_id, duty, new.breaks)
        await self._staffing.check(company_id, duty, vehicle, crew, zone)
        async with unique(self._session, NAME_TAKEN):
            await self._duties.add(company_id, duty)
        return Duty.model_validate(duty)

    async def get(self, company_id: UUID, duty_id: UUID) -> Duty:
        return Duty.model_validate(await self._find(company_id, duty_id))

    async def list(
        self,
        company_id: UUID,
        *,
        day: date | None,
        with_cancelled: bool,
        cursor: str | None,
        limit: int,
    ) -> Page[Duty]:
        found = await self._duties.list(
            company_id,
            day=day,
            with_cancelled=with_cancelled,
            after=decode_id_cursor(cursor),
            limit=limit + 1,
        )
        page = page_by_id(found, limit)
        items = [Duty.model_validate(duty) for duty in page.items]
        return Page(items=items, next_cursor=page.next_cursor)

    async def change(
        self, company_id: UUID, duty_id: UUID, change: DutyChange, seen: int | None = None
    ) -> Duty:
        """Change a duty within its day; the present plan stays until the next run."""
        zone = await self._zone(company_id)
        read = await self._find(company_id, duty_id)
        changed = _changed(read, change)
        vehicle, crew = await self._staffing.hold(company_id, changed.vehicle_id, changed.crew)
        duty = await self._find(company_id, duty_id, lock=True)
        require_version(duty.version, seen, "duty")
        if duty.cancelled_at is not None:
            raise DutyCancelledError("The duty was cancelled; create a new one.")
        if duty.version != read.version:
            raise ConflictError("The duty was changed by somebody else; read it again.")
        _check_times(changed, zone)
        await self._check_places(company_id, changed)
        await self._staffing.check(company_id, changed, vehicle, crew, zone)
        async with unique(self._session, NAME_TAKEN):
            await self._duties.update(company_id, changed)
        return Duty.model_validate(changed)

    async def _check_places(self, company_id: UUID, duty: StoredDuty) -> None:
        wanted = {place for place in (duty.start_place_id, duty.end_place_id) if place}
        missing = wanted - await self._places.existing(company_id, wanted)
        if missing:
            raise NotFoundError(f"There is no place {min(missing)}.")

    async def _zone(self, company_id: UUID) -> ZoneInfo:
        company = await self._companies.find(company_id)
        if company is None:
            raise NotFoundError("The company of this token does not exist.")
        return ZoneInfo(company.zone)

    async def _find(self, company_id: UUID, duty_id: UUID, *, lock: bool = False) -> StoredDuty:
        duty = await self._duties.find(company_id, duty_id, lock=lock)
        if duty is None:
            raise NotFoundError(f"There is no duty {duty_id}.")
        return duty


def _end(new: NewDuty, end: str, driver: StoredDriver) -> UUID | None:
    """Where the duty begins or ends: as sent, or at the driver's own place."""
    place: UUID | None = getattr(new, end)
    return place if end in new.model_fields_set else driver.start_place_id


def _changed(duty: StoredDuty, change: DutyChange) -> StoredDuty:
    values: dict[str, Any] = change.model_dump(exclude_unset=True)
    if "crew" in values:
        values["crew"] = tuple(values["crew"])
    return replace(duty, version=duty.version + 1, **values)


def _check_times(duty: StoredDuty, zone: ZoneInfo) -> None:
    if not duty.starts_at < duty.ends_at <= duty.starts_at + LONGEST:
        raise InvalidError("A duty ends after it starts, and within 24 hours.")
    if duty.starts_at.astimezone(zone).date() != duty.day:
        raise InvalidError(f"The duty is on {duty.day}; cancel it and create one on the other day.")


def duty_service(session: Session, ports: PortsDep) -> DutyService:
    return DutyService(session, ports)


Duties = Annotated[DutyService, Depends(duty_service)]
