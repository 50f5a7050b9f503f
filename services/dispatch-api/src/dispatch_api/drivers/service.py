"""Use cases of drivers and absences; a change never contradicts a duty that stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends
from pydantic import BaseModel

from atmr_common.database.session import Session
from atmr_common.runtime.identifiers import new_id
from atmr_common.web.entity_versions import require_version
from atmr_common.web.pagination import Page, decode_id_cursor, page_by_id
from atmr_common.web.problems import NotFoundError
from dispatch_api.drivers.domain import Absence, Credential, StoredDriver
from dispatch_api.drivers.repository import AbsenceRepository, DriverRepository
from dispatch_api.drivers.schemas import (
    AbsenceView,
    DriverChange,
    DriverView,
    NewAbsence,
    NewDriver,
)
from dispatch_api.duties.domain import Span, StoredDuty
from dispatch_api.duties.errors import refuse_in_use
from dispatch_api.duties.repository import DutyRepository
from dispatch_api.places.repository import PlaceRepository
from dispatch_api.ports import Ports, PortsDep
from dispatch_api.uniqueness import unique

TAKEN = "Another driver has this name or subject; choose another one."
FAR = timedelta(days=36_500)


class DriverService:
    """What can be done with drivers, apart from their shifts (`shifts.py`)."""

    def __init__(self, session: Session, ports: Ports) -> None:
        self._session = session
        self._drivers = DriverRepository(session)
        self._absences = AbsenceRepository(session)
        self._duties = DutyRepository(session)
        self._places = PlaceRepository(session, ports.vault)
        self._clock = ports.clock

    async def create(self, company_id: UUID, new: NewDriver) -> DriverView:
        await self._check_place(company_id, new.start_place_id)
        driver = StoredDriver(id=new_id(), created_at=self._clock.now(), **_values(new))
        async with unique(self._session, TAKEN):
            await self._drivers.add(company_id, driver)
        return DriverView.model_validate(driver)

    async def get(self, company_id: UUID, driver_id: UUID) -> DriverView:
        return DriverView.model_validate(await self._find(company_id, driver_id))

    async def list(
        self, company_id: UUID, *, active: bool | None, cursor: str | None, limit: int
    ) -> Page[DriverView]:
        found = await self._drivers.list(
            company_id, active=active, after=decode_id_cursor(cursor), limit=limit + 1
        )
        page = page_by_id(found, limit)
        items = [DriverView.model_validate(driver) for driver in page.items]
        return Page(items=items, next_cursor=page.next_cursor)

    async def change(
        self, company_id: UUID, driver_id: UUID, change: DriverChange, seen: int | None
    ) -> DriverView:
        """Change a driver; plans of their coming duties are made again."""
        driver = await self._find(company_id, driver_id, lock=True)
        require_version(driver.version, seen, "driver")
        changed = replace(driver, version=driver.version + 1, **_values(change))
        await self._check_place(company_id, changed.start_place_id)
        coming = await self._coming(company_id, driver_id)
        late = [
            duty
            for duty in coming
            if not all(credential.valid_on(duty.day) for credential in changed.credentials)
        ]
        refuse_in_use("A credential would have expired", late)
        async with unique(self._session, TAKEN):
            await self._drivers.update(company_id, changed)
        await self._duties.touch(company_id, coming)
        return DriverView.model_validate(changed)

    async def retire(self, company_id: UUID, driver_id: UUID) -> None:
        """The driver leaves; what they did stays readable."""
        driver = await self._find(company_id, driver_id, lock=True)
        refuse_in_use("The driver leaves", await self._coming(company_id, driver_id))
        retired = replace(driver, active=False, subject=None, version=driver.version + 1)
        await self._drivers.update(company_id, retired)

    async def add_absence(self, company_id: UUID, driver_id: UUID, new: NewAbsence) -> AbsenceView:
        await self._find(company_id, driver_id, lock=True)
        span = Span(begin=new.starts_at, end=new.ends_at)
        in_the_way = await self._duties.of_drivers(company_id, [driver_id], span)
        refuse_in_use("The driver is away", in_the_way)
        absence = Absence(id=new_id(), driver_id=driver_id, **new.model_dump())
        await self._absences.add(company_id, absence)
        return AbsenceView.model_validate(absence)

    async def list_absences(
        self, company_id: UUID, driver_id: UUID, cursor: str | None, limit: int
    ) -> Page[AbsenceView]:
        await self._find(company_id, driver_id)
        found = await self._absences.list(
            company_id, driver_id, after=decode_id_cursor(cursor), limit=limit + 1
        )
        page = page_by_id(found, limit)
        items = [AbsenceView.model_validate(absence) for absence in page.items]
        return Page(items=items, next_cursor=page.next_cursor)

    async def remove_absence(self, company_id: UUID, driver_id: UUID, absence_id: UUID) -> None:
        if not await self._absences.delete(company_id, driver_id, absence_id):
            raise NotFoundError(f"There is no absence {absence_id} of driver {driver_id}.")

    async def _coming(self, company_id: UUID, driver_id: UUID) -> Sequence[StoredDuty]:
        now = self._clock.now()
        return await self._duties.of_drivers(
            company_id, [driver_id], Span(begin=now, end=now + FAR)
        )

    async def _check_place(self, company_id: UUID, place_id: UUID | None) -> None:
        if place_id and not await self._places.existing(company_id, [place_id]):
            raise NotFoundError(f"There is no place {place_id}.")

    async def _find(self, company_id: UUID, driver_id: UUID, *, lock: bool = False) -> StoredDriver:
        driver = await self._drivers.find(company_id, driver_id, lock=lock)
        if driver is None:
            raise NotFoundError(f"There is no driver {driver_id}.")
        return driver


def _values(sent: BaseModel) -> dict[str, Any]:
    """What the client sent, credentials in domain words; a change has what was set only."""
    values = sent.model_dump(exclude_unset=isinstance(sent, DriverChange))
    if "credentials" in values:
        values["credentials"] = tuple(Credential(**item) for item in values["credentials"])
    return values


def driver_service(session: Session, ports: PortsDep) -> DriverService:
    return DriverService(session, ports)


Drivers = Annotated[DriverService, Depends(driver_service)]
