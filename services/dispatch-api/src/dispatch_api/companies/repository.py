"""Companies in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from atmr_common.web.entity_versions import require_version
from dispatch_api.companies.schemas import (
    Company,
    CompanyChange,
    CompanyQuotas,
    CompanySettings,
    NewCompany,
)
from dispatch_api.companies.tables import CompanyRow


class CompanyRepository:
    """Reads and writes company rows within one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, company_id: UUID, new: NewCompany, created_at: datetime) -> Company:
        row = CompanyRow(
            id=company_id,
            name=new.name,
            zone=new.zone,
            dispatch_mode=new.dispatch_mode,
            settings=new.settings.model_dump(mode="json"),
            quotas=new.quotas.model_dump(mode="json"),
            created_at=created_at,
        )
        self._session.add(row)
        await self._session.flush()
        return _view(row)

    async def find(self, company_id: UUID) -> Company | None:
        row = await self._session.get(CompanyRow, company_id)
        return _view(row) if row else None

    async def change(
        self, company_id: UUID, change: CompanyChange, seen: int | None
    ) -> Company | None:
        """`seen`: the version that it must be at; None: whatever it is."""
        return await self._change(
            company_id, change.model_dump(mode="json", exclude_unset=True), seen
        )

    async def change_quotas(
        self, company_id: UUID, quotas: CompanyQuotas, seen: int | None
    ) -> Company | None:
        return await self._change(company_id, {"quotas": quotas.model_dump(mode="json")}, seen)

    async def _change(
        self, company_id: UUID, changes: dict[str, Any], seen: int | None
    ) -> Company | None:
        row = await self._session.get(CompanyRow, company_id, with_for_update=True)
        if row is None:
            return None
        require_version(row.version, seen, "company")
        for name, value in changes.items():
            setattr(row, name, value)
        row.version += 1
        await self._session.flush()
        return _view(row)


def _view(row: CompanyRow) -> Company:
    return Company(
        id=row.id,
        name=row.name,
        zone=row.zone,
        dispatch_mode=row.dispatch_mode,
        settings=CompanySettings.model_validate(row.settings),
        quotas=CompanyQuotas.model_validate(row.quotas),
        version=row.version,
    )
