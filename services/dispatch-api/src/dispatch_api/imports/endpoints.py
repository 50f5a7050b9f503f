"""HTTP door of imports: a CSV file in, a report per row out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from atmr_common.web.access import BookingDispatcher, FleetWriter
from atmr_common.web.idempotency import IdempotentRoute
from atmr_common.web.problems import responses
from dispatch_api.bookings.desk import Desk
from dispatch_api.imports.import_bookings import BookingImport
from dispatch_api.imports.import_duties import DutyImport
from dispatch_api.imports.schemas import ImportReport
from dispatch_api.moments import LocalDay

router = APIRouter(prefix="/v1/imports", tags=["imports"], route_class=IdempotentRoute)
DryRun = Annotated[bool, Query(description="Report what would happen; import nothing.")]
Strict = Annotated[bool, Query(description="Any bad row refuses the whole file.")]
Day = Annotated[
    LocalDay | None, Query(alias="date", description="The day of the file; else that of most rows.")
]
BOOKINGS = """booking_id,patient_ref,direction,linked_booking_id,pickup_address,pickup_lat,\
pickup_lon,dropoff_lat,dropoff_lon,appointment_at,will_call,mobility
B-1,P-7,ALLER,,Rue du Lac 1,46.2044,6.1432,46.1936,6.1494,2026-03-16T09:00,,wheelchair
B-2,P-7,RETOUR,B-1,,46.1936,6.1494,46.2044,6.1432,,yes,wheelchair
"""

DUTIES = """duty_id,driver,vehicle,seats,wheelchairs,crew,start_lat,start_lon,shift_start,\
shift_end,break_min,break_from,break_to
D-1,Ana Rochat,Van 1,4,1,1,46.2,6.14,2026-03-16T07:00,2026-03-16T16:00,45,\
2026-03-16T11:00,2026-03-16T14:00
"""


def _csv_body(example: str) -> dict[str, Any]:
    schema = {"type": "string", "examples": [example]}
    return {"requestBody": {"required": True, "content": {"text/csv": {"schema": schema}}}}


@router.post(
    "/bookings",
    operation_id="import_bookings",
    responses=responses(401, 403, 409, 413, 422),
    openapi_extra=_csv_body(BOOKINGS),
)
async def import_bookings(
    request: Request,
    caller: BookingDispatcher,
    desk: Desk,
    dry_run: DryRun = False,  # noqa: FBT002 (a query parameter is given by name)
    strict: Strict = False,  # noqa: FBT002 (a query parameter is given by name)
    day: Day = None,
) -> ImportReport:
    """Import a day's bookings; good rows in one transaction, bad ones with column and remedy."""
    data = await request.body()
    return await BookingImport(desk, caller).run(data, day, dry_run=dry_run, strict=strict)


@router.post(
    "/duties",
    operation_id="import_duties",
    responses=responses(401, 403, 409, 413, 422),
    openapi_extra=_csv_body(DUTIES),
)
async def import_duties(
    request: Request,
    caller: FleetWriter,
    desk: Desk,
    dry_run: DryRun = False,  # noqa: FBT002 (a query parameter is given by name)
    strict: Strict = False,  # noqa: FBT002 (a query parameter is given by name)
    day: Day = None,
) -> ImportReport:
    """Import duties; vehicles, drivers and shifts that are missing are created by name."""
    data = await request.body()
    return await DutyImport(desk, caller).run(data, day, dry_run=dry_run, strict=strict)
