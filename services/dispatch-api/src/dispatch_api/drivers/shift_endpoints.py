"""HTTP door of shifts."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from atmr_common.web.access import FleetReader, FleetWriter
from atmr_common.web.entity_versions import SeenVersion, tagged
from atmr_common.web.idempotency import IdempotentRoute
from atmr_common.web.pagination import CursorText, Limit, Page
from atmr_common.web.problems import responses
from dispatch_api.drivers.shift_schemas import NewShift, ShiftChange, ShiftView
from dispatch_api.drivers.shifts import Shifts
from dispatch_api.moments import LocalDay

router = APIRouter(prefix="/v1/shifts", tags=["shifts"], route_class=IdempotentRoute)
Day = Annotated[LocalDay | None, Query(description="Shifts that share time with this local day.")]
CHANGES = responses(401, 403, 404, 409, 422)
EDITS = responses(401, 403, 404, 409, 412, 422)
READS = responses(401, 403, 404, 422)


@router.post("", status_code=201, operation_id="create_shift", responses=CHANGES)
async def create_shift(
    new: NewShift, caller: FleetWriter, shifts: Shifts, response: Response
) -> ShiftView:
    """Let a driver work at a time, with breaks inside."""
    return tagged(response, await shifts.create(caller.company_id, new))


@router.get("", operation_id="list_shifts", responses=responses(401, 403, 422))
async def list_shifts(
    caller: FleetReader,
    shifts: Shifts,
    day: Day = None,
    driver_id: UUID | None = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[ShiftView]:
    """Shifts of a day, of a driver, or all."""
    return await shifts.list(
        caller.company_id, day=day, driver_id=driver_id, cursor=cursor, limit=limit
    )


@router.get("/{shift_id}", operation_id="read_shift", responses=READS)
async def read_shift(
    shift_id: UUID, caller: FleetReader, shifts: Shifts, response: Response
) -> ShiftView:
    """One shift."""
    return tagged(response, await shifts.get(caller.company_id, shift_id))


@router.patch("/{shift_id}", operation_id="change_shift", responses=EDITS)
async def change_shift(
    shift_id: UUID,
    change: ShiftChange,
    caller: FleetWriter,
    shifts: Shifts,
    version: SeenVersion,
    response: Response,
) -> ShiftView:
    """Change times or breaks; what is left out stays."""
    return tagged(response, await shifts.change(caller.company_id, shift_id, change, version))


@router.delete("/{shift_id}", status_code=204, operation_id="remove_shift", responses=CHANGES)
async def remove_shift(shift_id: UUID, caller: FleetWriter, shifts: Shifts) -> None:
    """Remove a shift in which no duty stands."""
    await shifts.remove(caller.company_id, shift_id)
