"""HTTP door of plans."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter

from atmr_common.web.access import PlanReader
from atmr_common.web.problems import responses
from dispatch_api.plans.schemas import Plan
from dispatch_api.plans.service import Plans

router = APIRouter(prefix="/v1/plans", tags=["plans"])


@router.get("/{day}", operation_id="read_plan", responses=responses(401, 403, 422))
async def read_plan(day: date, caller: PlanReader, plans: Plans) -> Plan:
    """The day's plan: routes with times, what is unserved and why, cost and KPIs.

    A day that was never planned answers with version 0 and no routes.
    """
    return await plans.read(caller.company_id, day)
