"""HTTP door of companies."""

from __future__ import annotations

from fastapi import APIRouter

from atmr_common.web.access import Admin, Dispatcher, PlatformService
from atmr_common.web.problems import responses
from dispatch_api.companies.schemas import Company, CompanyChange, NewCompany
from dispatch_api.companies.service import Companies

router = APIRouter(prefix="/v1", tags=["companies"])


@router.post(
    "/companies", status_code=201, operation_id="set_up_company", responses=responses(401, 403)
)
async def set_up_company(new: NewCompany, companies: Companies, caller: PlatformService) -> Company:
    """Set up a company (for the platform's own services)."""
    del caller
    return await companies.set_up(new)


@router.get("/company", operation_id="read_company", responses=responses(401, 403, 404))
async def read_company(caller: Dispatcher, companies: Companies) -> Company:
    """The caller's company and its settings."""
    return await companies.get(caller.company_id)


@router.patch("/company", operation_id="change_company", responses=responses(401, 403, 404))
async def change_company(change: CompanyChange, caller: Admin, companies: Companies) -> Company:
    """Change the caller's company; what is left out stays."""
    return await companies.change(caller.company_id, change)
