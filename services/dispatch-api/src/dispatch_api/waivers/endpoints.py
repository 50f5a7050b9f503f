"""HTTP door of waivers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from fastapi import APIRouter

from atmr_common.web.access import PlanReader, PlanWriter
from atmr_common.web.idempotency import IdempotentRoute
from atmr_common.web.problems import responses
from dispatch_api.waivers.schemas import NewWaiver, Waiver
from dispatch_api.waivers.service import Waivers

router = APIRouter(prefix="/v1/waivers", tags=["waivers"], route_class=IdempotentRoute)


@router.post(
    "", status_code=201, operation_id="grant_waiver", responses=responses(401, 403, 404, 422)
)
async def grant_waiver(new: NewWaiver, caller: PlanWriter, waivers: Waivers) -> Waiver:
    """Let a booking or a duty breach one service rule, with the reason on record."""
    return await waivers.grant(caller, new)


@router.get("", operation_id="list_waivers", responses=responses(401, 403, 422))
async def list_waivers(day: date, caller: PlanReader, waivers: Waivers) -> Sequence[Waiver]:
    """The waivers of a day."""
    return await waivers.of_day(caller.company_id, day)


@router.delete(
    "/{waiver_id}",
    status_code=204,
    operation_id="withdraw_waiver",
    responses=responses(401, 403, 404, 422),
)
async def withdraw_waiver(waiver_id: UUID, caller: PlanWriter, waivers: Waivers) -> None:
    """Withdraw a waiver; plans that used it stay until the next run."""
    await waivers.withdraw(caller.company_id, waiver_id)
