"""HTTP door of drivers and their absences."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from atmr_common.web.access import FleetReader, FleetWriter
from atmr_common.web.entity_versions import SeenVersion, tagged
from atmr_common.web.idempotency import IdempotentRoute
from atmr_common.web.pagination import CursorText, Limit, Page
from atmr_common.web.problems import responses
from dispatch_api.drivers.schemas import (
    AbsenceView,
    DriverChange,
    DriverView,
    NewAbsence,
    NewDriver,
)
from dispatch_api.drivers.service import Drivers

router = APIRouter(prefix="/v1/drivers", tags=["drivers"], route_class=IdempotentRoute)
Active = Annotated[bool | None, Query(description="Only those who drive, or who have left.")]
CHANGES = responses(401, 403, 404, 409, 422)
EDITS = responses(401, 403, 404, 409, 412, 422)
READS = responses(401, 403, 404, 422)


@router.post("", status_code=201, operation_id="create_driver", responses=CHANGES)
async def create_driver(
    new: NewDriver, caller: FleetWriter, drivers: Drivers, response: Response
) -> DriverView:
    """Add a driver."""
    return tagged(response, await drivers.create(caller.company_id, new))


@router.get("", operation_id="list_drivers", responses=responses(401, 403, 422))
async def list_drivers(
    caller: FleetReader,
    drivers: Drivers,
    active: Active = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[DriverView]:
    """Drivers, in the order in which they were entered."""
    return await drivers.list(caller.company_id, active=active, cursor=cursor, limit=limit)


@router.get("/{driver_id}", operation_id="read_driver", responses=READS)
async def read_driver(
    driver_id: UUID, caller: FleetReader, drivers: Drivers, response: Response
) -> DriverView:
    """One driver."""
    return tagged(response, await drivers.get(caller.company_id, driver_id))


@router.patch("/{driver_id}", operation_id="change_driver", responses=EDITS)
async def change_driver(
    driver_id: UUID,
    change: DriverChange,
    caller: FleetWriter,
    drivers: Drivers,
    version: SeenVersion,
    response: Response,
) -> DriverView:
    """Change a driver; what is left out stays."""
    return tagged(response, await drivers.change(caller.company_id, driver_id, change, version))


@router.delete("/{driver_id}", status_code=204, operation_id="retire_driver", responses=CHANGES)
async def retire_driver(driver_id: UUID, caller: FleetWriter, drivers: Drivers) -> None:
    """A driver without coming duties leaves; they stay readable."""
    await drivers.retire(caller.company_id, driver_id)


@router.post(
    "/{driver_id}/absences", status_code=201, operation_id="add_absence", responses=CHANGES
)
async def add_absence(
    driver_id: UUID, new: NewAbsence, caller: FleetWriter, drivers: Drivers
) -> AbsenceView:
    """A driver is away for a time; duties in the way are named."""
    return await drivers.add_absence(caller.company_id, driver_id, new)


@router.get("/{driver_id}/absences", operation_id="list_absences", responses=READS)
async def list_absences(
    driver_id: UUID,
    caller: FleetReader,
    drivers: Drivers,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[AbsenceView]:
    """When the driver is, was and will be away."""
    return await drivers.list_absences(caller.company_id, driver_id, cursor, limit)


@router.delete(
    "/{driver_id}/absences/{absence_id}",
    status_code=204,
    operation_id="remove_absence",
    responses=READS,
)
async def remove_absence(
    driver_id: UUID, absence_id: UUID, caller: FleetWriter, drivers: Drivers
) -> None:
    """The driver is there after all."""
    await drivers.remove_absence(caller.company_id, driver_id, absence_id)
