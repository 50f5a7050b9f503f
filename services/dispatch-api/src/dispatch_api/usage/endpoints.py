"""HTTP door of usage."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from atmr_common.web.access import CompanyReader
from atmr_common.web.problems import responses
from dispatch_api.usage.schemas import Usage
from dispatch_api.usage.service import UsageOfCompany

router = APIRouter(prefix="/v1", tags=["companies"])


@router.get("/company/usage", operation_id="read_usage", responses=responses(401, 403, 404))
async def read_usage(
    caller: CompanyReader,
    usage: UsageOfCompany,
    days: Annotated[int, Query(ge=1, le=366, description="How many days back, with today.")] = 31,
) -> Usage:
    """What the caller's company has used day by day, and its quotas."""
    return await usage.read(caller.company_id, days)
