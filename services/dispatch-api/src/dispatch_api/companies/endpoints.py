"""HTTP door of companies."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from atmr_common.web.access import CompanyAdmin, CompanyReader, PlatformService
from atmr_common.web.entity_versions import SeenVersion, tagged
from atmr_common.web.idempotency import IdempotentRoute
from atmr_common.web.problems import responses
from dispatch_api.companies.schemas import Company, CompanyChange, CompanyQuotas, NewCompany
from dispatch_api.companies.service import Companies

router = APIRouter(prefix="/v1", tags=["companies"], route_class=IdempotentRoute)


@router.post(
    "/companies", status_code=201, operation_id="set_up_company", responses=responses(401, 403)
)
async def set_up_company(
    new: NewCompany, caller: PlatformService, companies: Companies, response: Response
) -> Company:
    """Set up a company (for the platform's own services)."""
    del caller
    return tagged(response, await companies.set_up(new))


@router.put(
    "/companies/{company_id}/quotas",
    operation_id="set_quotas",
    responses=responses(401, 403, 404, 412, 422),
)
async def set_quotas(
    company_id: UUID,
    quotas: CompanyQuotas,
    caller: PlatformService,
    companies: Companies,
    version: SeenVersion,
    response: Response,
) -> Company:
    """Set what a company may use in a day (for the platform's own services)."""
    del caller
    return tagged(response, await companies.change_quotas(company_id, quotas, version))


@router.get("/company", operation_id="read_company", responses=responses(401, 403, 404))
async def read_company(caller: CompanyReader, companies: Companies, response: Response) -> Company:
    """The caller's company and its settings."""
    return tagged(response, await companies.get(caller.company_id))


@router.patch(
    "/company", operation_id="change_company", responses=responses(401, 403, 404, 412, 422)
)
async def change_company(
    change: CompanyChange,
    caller: CompanyAdmin,
    companies: Companies,
    version: SeenVersion,
    response: Response,
) -> Company:
    """Change the caller's company; what is left out stays."""
    return tagged(response, await companies.change(caller.company_id, change, version))
