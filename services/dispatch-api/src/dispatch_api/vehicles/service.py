"""Use cases of vehicles and outages; a change never contradicts a duty that stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from atmr_common.database.session import Session
from atmr_common.runtime.identifiers import new_id
from atmr_common.web.entity_versions import require_version
from atmr_common.web.pagination import Page, decode_id_cursor, page_by_id
from atmr_common.web.problems import InvalidError, NotFoundError
from dispatch_api.duties.domain import Span, StoredDuty
from dispatch_api.duties.errors import refuse_in_use
from dispatch_api.duties.repository import DutyRepository
from dispatch_api.ports import Ports, PortsDep
from dispatch_api.uniqueness import unique
from dispatch_api.vehicles.domain import Outage, StoredVehicle
from dispatch_api.vehicles.repository import OutageRepository, VehicleRepository
from dispatch_api.vehicles.schemas import (
    NewOutage,
    NewVehicle,
    Vehicle,
    VehicleChange,
    VehicleOutage,
)

NAME_TAKEN = "Another vehicle has this name; choose another one."
FAR = timedelta(days=36_500)


class VehicleService:
    """What can be done with vehicles."""

    def __init__(self, session: Session, ports: Ports) -> None:
        self._session = session
        self._vehicles = VehicleRepository(session)
        self._outages = OutageRepository(session)
        self._duties = DutyRepository(session)
        self._clock = ports.clock

    async def create(self, company_id: UUID, new: NewVehicle) -> Vehicle:
        vehicle = StoredVehicle(id=new_id(), created_at=self._clock.now(), **new.model_dump())
        async with unique(self._session, NAME_TAKEN):
            await self._vehicles.add(company_id, vehicle)
        return Vehicle.model_validate(vehicle)

    async def get(self, company_id: UUID, vehicle_id: UUID) -> Vehicle:
        return Vehicle.model_validate(await self._find(company_id, vehicle_id))

    async def list(
        self, company_id: UUID, *, active: bool | None, cursor: str | None, limit: int
    ) -> Page[Vehicle]:
        found = await self._vehicles.list(
            company_id, active=active, after=decode_id_cursor(cursor), limit=limit + 1
        )
        page = page_by_id(found, limit)
        items = [Vehicle.model_validate(vehicle) for vehicle in page.items]
        return Page(items=items, next_cursor=page.next_cursor)

    async def change(
        self, company_id: UUID, vehicle_id: UUID, change: VehicleChange, seen: int | None
    ) -> Vehicle:
        """Change a vehicle; plans of its coming duties are made again."""
        vehicle = await self._find(company_id, vehicle_id, lock=True)
        require_version(vehicle.version, seen, "vehicle")
        values = change.model_dump(exclude_unset=True)
        changed = replace(vehicle, version=vehicle.version + 1, **values)
        if not changed.seats + changed.wheelchairs + changed.stretchers:
            raise InvalidError("The vehicle would carry nobody; give it a seat.")
        coming = await self._coming(company_id, vehicle_id)
        late = [duty for duty in coming if not changed.inspected_on(duty.day)]
        refuse_in_use("The inspection would have expired", late)
        async with unique(self._session, NAME_TAKEN):
            await self._vehicles.update(company_id, changed)
        await self._duties.touch(company_id, coming)
        return Vehicle.model_validate(changed)

    async def retire(self, company_id: UUID, vehicle_id: UUID) -> None:
        """Take a vehicle out of use for good; what it did stays readable."""
        vehicle = await self._find(company_id, vehicle_id, lock=True)
        refuse_in_use("The vehicle is retired", await self._coming(company_id, vehicle_id))
        retired = replace(vehicle, active=False, version=vehicle.version + 1)
        await self._vehicles.update(company_id, retired)

    async def add_outage(self, company_id: UUID, vehicle_id: UUID, new: NewOutage) -> VehicleOutage:
        await self._find(company_id, vehicle_id, lock=True)
        span = Span(begin=new.starts_at, end=new.ends_at)
        in_the_way = await self._duties.of_vehicle(company_id, vehicle_id, span)
        refuse_in_use("The vehicle is out of service", in_the_way)
        outage = Outage(id=new_id(), vehicle_id=vehicle_id, **new.model_dump())
        await self._outages.add(company_id, outage)
        return VehicleOutage.model_validate(outage)

    async def list_outages(
        self, company_id: UUID, vehicle_id: UUID, cursor: str | None, limit: int
    ) -> Page[VehicleOutage]:
        await self._find(company_id, vehicle_id)
        found = await self._outages.list(
            company_id, vehicle_id, after=decode_id_cursor(cursor), limit=limit + 1
        )
        page = page_by_id(found, limit)
        items = [VehicleOutage.model_validate(outage) for outage in page.items]
        return Page(items=items, next_cursor=page.next_cursor)

    async def remove_outage(self, company_id: UUID, vehicle_id: UUID, outage_id: UUID) -> None:
        if not await self._outages.delete(company_id, vehicle_id, outage_id):
            raise NotFoundError(f"There is no outage {outage_id} of vehicle {vehicle_id}.")

    async def _coming(self, company_id: UUID, vehicle_id: UUID) -> Sequence[StoredDuty]:
        now = self._clock.now()
        span = Span(begin=now, end=now + FAR)
        return await self._duties.of_vehicle(company_id, vehicle_id, span)

    async def _find(
        self, company_id: UUID, vehicle_id: UUID, *, lock: bool = False
    ) -> StoredVehicle:
        vehicle = await self._vehicles.find(company_id, vehicle_id, lock=lock)
        if vehicle is None:
            raise NotFoundError(f"There is no vehicle {vehicle_id}.")
        return vehicle


def vehicle_service(session: Session, ports: PortsDep) -> VehicleService:
    return VehicleService(session, ports)


Vehicles = Annotated[VehicleService, Depends(vehicle_service)]
