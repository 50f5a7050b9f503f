"""Use cases of companies."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from atmr_common.database.session import Session
from atmr_common.runtime.clock import Clock
from atmr_common.runtime.identifiers import new_id
from atmr_common.web.problems import NotFoundError
from dispatch_api.companies.repository import CompanyRepository
from dispatch_api.companies.schemas import Company, CompanyChange, CompanyQuotas, NewCompany
from dispatch_api.ports import PortsDep


class CompanyService:
    """What can be done with companies."""

    def __init__(self, companies: CompanyRepository, clock: Clock) -> None:
        self._companies = companies
        self._clock = clock

    async def set_up(self, new: NewCompany) -> Company:
        return await self._companies.add(new_id(), new, self._clock.now())

    async def get(self, company_id: UUID) -> Company:
        company = await self._companies.find(company_id)
        if company is None:
            raise NotFoundError("The company of this token does not exist.")
        return company

    async def change(self, company_id: UUID, change: CompanyChange, seen: int | None) -> Company:
        company = await self._companies.change(company_id, change, seen)
        if company is None:
            raise NotFoundError("The company of this token does not exist.")
        return company

    async def change_quotas(
        self, company_id: UUID, quotas: CompanyQuotas, seen: int | None
    ) -> Company:
        company = await self._companies.change_quotas(company_id, quotas, seen)
        if company is None:
            raise NotFoundError(f"There is no company {company_id}.")
        return company


def company_service(session: Session, ports: PortsDep) -> CompanyService:
    return CompanyService(CompanyRepository(session), ports.clock)


Companies = Annotated[CompanyService, Depends(company_service)]
