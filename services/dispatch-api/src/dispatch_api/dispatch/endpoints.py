"""HTTP door of dispatch runs."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from atmr_common.web.access import DispatchReader, DispatchRunner
from atmr_common.web.idempotency import IdempotentRoute
from atmr_common.web.pagination import CursorText, Limit, Page
from atmr_common.web.problems import responses
from dispatch_api.dispatch.schemas import DispatchRun, NewDispatchRun
from dispatch_api.dispatch.service import DispatchRuns

router = APIRouter(prefix="/v1/dispatch-runs", tags=["dispatch"], route_class=IdempotentRoute)
Day = Annotated[dt.date | None, Query(alias="date", description="Runs of this day only.")]


@router.post(
    "",
    status_code=202,
    operation_id="request_dispatch_run",
    responses=responses(401, 403, 422, 429),
)
async def request_dispatch_run(
    new: NewDispatchRun, caller: DispatchRunner, runs: DispatchRuns, response: Response
) -> DispatchRun:
    """Ask for a day to be planned; the answer comes at once, the plan when a worker is done."""
    run = await runs.request(caller, new)
    response.headers["Location"] = f"{router.prefix}/{run.id}"
    return run


@router.get("", operation_id="list_dispatch_runs", responses=responses(401, 403, 422))
async def list_dispatch_runs(
    caller: DispatchReader,
    runs: DispatchRuns,
    day: Day = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[DispatchRun]:
    """Runs, the newest first."""
    return await runs.list(caller.company_id, day, cursor, limit)


@router.get("/{run_id}", operation_id="read_dispatch_run", responses=responses(401, 403, 404, 422))
async def read_dispatch_run(
    run_id: UUID, caller: DispatchReader, runs: DispatchRuns
) -> DispatchRun:
    """A run's state, its stages with time and objective, and what it committed."""
    return await runs.get(caller.company_id, run_id)


@router.post(
    "/{run_id}/cancel",
    operation_id="cancel_dispatch_run",
    responses=responses(401, 403, 404, 409, 422),
)
async def cancel_dispatch_run(
    run_id: UUID, caller: DispatchRunner, runs: DispatchRuns
) -> DispatchRun:
    """Stop a run that has not ended; the present plan stays as it is."""
    return await runs.cancel(caller, run_id)
