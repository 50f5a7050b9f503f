"""HTTP door of vehicles and their outages."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from atmr_common.web.access import FleetReader, FleetWriter
from atmr_common.web.entity_versions import SeenVersion, tagged
from atmr_common.web.idempotency import IdempotentRoute
from atmr_common.web.pagination import CursorText, Limit, Page
from atmr_common.web.problems import responses
from dispatch_api.vehicles.schemas import (
    NewOutage,
    NewVehicle,
    Vehicle,
    VehicleChange,
    VehicleOutage,
)
from dispatch_api.vehicles.service import Vehicles

router = APIRouter(prefix="/v1/vehicles", tags=["vehicles"], route_class=IdempotentRoute)
Active = Annotated[bool | None, Query(description="Only those in use, or only retired ones.")]
CHANGES = responses(401, 403, 404, 409, 422)
EDITS = responses(401, 403, 404, 409, 412, 422)


@router.post(
    "", status_code=201, operation_id="create_vehicle", responses=responses(401, 403, 409, 422)
)
async def create_vehicle(
    new: NewVehicle, caller: FleetWriter, vehicles: Vehicles, response: Response
) -> Vehicle:
    """Add a vehicle to the fleet."""
    return tagged(response, await vehicles.create(caller.company_id, new))


@router.get("", operation_id="list_vehicles", responses=responses(401, 403, 422))
async def list_vehicles(
    caller: FleetReader,
    vehicles: Vehicles,
    active: Active = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[Vehicle]:
    """The fleet, in the order in which it was entered."""
    return await vehicles.list(caller.company_id, active=active, cursor=cursor, limit=limit)


@router.get("/{vehicle_id}", operation_id="read_vehicle", responses=responses(401, 403, 404, 422))
async def read_vehicle(
    vehicle_id: UUID, caller: FleetReader, vehicles: Vehicles, response: Response
) -> Vehicle:
    """One vehicle."""
    return tagged(response, await vehicles.get(caller.company_id, vehicle_id))


@router.patch("/{vehicle_id}", operation_id="change_vehicle", responses=EDITS)
async def change_vehicle(
    vehicle_id: UUID,
    change: VehicleChange,
    caller: FleetWriter,
    vehicles: Vehicles,
    version: SeenVersion,
    response: Response,
) -> Vehicle:
    """Change a vehicle; what is left out stays."""
    return tagged(response, await vehicles.change(caller.company_id, vehicle_id, change, version))


@router.delete("/{vehicle_id}", status_code=204, operation_id="retire_vehicle", responses=CHANGES)
async def retire_vehicle(vehicle_id: UUID, caller: FleetWriter, vehicles: Vehicles) -> None:
    """Retire a vehicle that has no coming duty; it stays readable."""
    await vehicles.retire(caller.company_id, vehicle_id)


@router.post("/{vehicle_id}/outages", status_code=201, operation_id="add_outage", responses=CHANGES)
async def add_outage(
    vehicle_id: UUID, new: NewOutage, caller: FleetWriter, vehicles: Vehicles
) -> VehicleOutage:
    """Take a vehicle out of service for a time; duties in the way are named."""
    return await vehicles.add_outage(caller.company_id, vehicle_id, new)


@router.get(
    "/{vehicle_id}/outages",
    operation_id="list_outages",
    responses=responses(401, 403, 404, 422),
)
async def list_outages(
    vehicle_id: UUID,
    caller: FleetReader,
    vehicles: Vehicles,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[VehicleOutage]:
    """When the vehicle is, was and will be out of service."""
    return await vehicles.list_outages(caller.company_id, vehicle_id, cursor, limit)


@router.delete(
    "/{vehicle_id}/outages/{outage_id}",
    status_code=204,
    operation_id="remove_outage",
    responses=responses(401, 403, 404, 422),
)
async def remove_outage(
    vehicle_id: UUID, outage_id: UUID, caller: FleetWriter, vehicles: Vehicles
) -> None:
    """The vehicle is in service after all."""
    await vehicles.remove_outage(caller.company_id, vehicle_id, outage_id)
