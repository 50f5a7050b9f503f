"""HTTP door of duties."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from atmr_common.web.access import FleetReader, FleetWriter
from atmr_common.web.entity_versions import SeenVersion, tagged
from atmr_common.web.idempotency import IdempotentRoute
from atmr_common.web.pagination import CursorText, Limit, Page
from atmr_common.web.problems import responses
from dispatch_api.duties.cancel_duty import Cancel
from dispatch_api.duties.schemas import Duty, DutyChange, NewDuty
from dispatch_api.duties.service import Duties

router = APIRouter(prefix="/v1/duties", tags=["duties"], route_class=IdempotentRoute)
Day = Annotated[dt.date | None, Query(description="Duties that start on this local day.")]
WithCancelled = Annotated[bool, Query(description="Cancelled duties too.")]
CHANGES = responses(401, 403, 404, 409, 422)
EDITS = responses(401, 403, 404, 409, 412, 422)


@router.post("", status_code=201, operation_id="create_duty", responses=CHANGES)
async def create_duty(
    new: NewDuty, caller: FleetWriter, duties: Duties, response: Response
) -> Duty:
    """Give a vehicle and its crew a duty; whatever stands against it is named at once."""
    return tagged(response, await duties.create(caller.company_id, new))


@router.get("", operation_id="list_duties", responses=responses(401, 403, 422))
async def list_duties(
    caller: FleetReader,
    duties: Duties,
    day: Day = None,
    with_cancelled: WithCancelled = False,  # noqa: FBT002 (a query parameter is named by nature)
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[Duty]:
    """Duties of a day, or all, in the order in which they were made."""
    return await duties.list(
        caller.company_id, day=day, with_cancelled=with_cancelled, cursor=cursor, limit=limit
    )


@router.get("/{duty_id}", operation_id="read_duty", responses=responses(401, 403, 404, 422))
async def read_duty(duty_id: UUID, caller: FleetReader, duties: Duties, response: Response) -> Duty:
    """One duty."""
    return tagged(response, await duties.get(caller.company_id, duty_id))


@router.patch("/{duty_id}", operation_id="change_duty", responses=EDITS)
async def change_duty(
    duty_id: UUID,
    change: DutyChange,
    caller: FleetWriter,
    duties: Duties,
    version: SeenVersion,
    response: Response,
) -> Duty:
    """Change a duty within its day; what is left out stays."""
    return tagged(response, await duties.change(caller.company_id, duty_id, change, version))


@router.post("/{duty_id}/cancel", operation_id="cancel_duty", responses=CHANGES)
async def cancel_duty(duty_id: UUID, caller: FleetWriter, cancel: Cancel) -> Duty:
    """Cancel a duty; its bookings wait for the next plan. A second time changes nothing."""
    return await cancel(caller, duty_id)
