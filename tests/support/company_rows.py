"""One company with sealed patients and places, written straight into a migrated database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from atmr_common.database.engine import Database
from atmr_common.database.tenancy import OWNER
from atmr_common.runtime.identifiers import new_id
from dispatch_api.companies.domain import DispatchMode
from dispatch_api.companies.tables import CompanyRow
from dispatch_api.geocoding.port import Precision
from dispatch_api.patients.tables import PatientRow
from dispatch_api.patients.vault import MasterKeys, PatientVault
from dispatch_api.places.tables import PlaceRow

MASTER = bytes(range(32))
"""The key that seals the patients' keys."""


@dataclass(frozen=True)
class CompanyRows:
    """Whose rows were written."""

    company_id: UUID
    patients: list[UUID]
    places: list[UUID]


async def write_company(
    database: Database, *, name: str, patients: int, places: int
) -> CompanyRows:
    """A company of so many patients and places, in one transaction."""
    now, vault = datetime.now(UTC), PatientVault(MasterKeys({1: MASTER}, 1))
    rows = CompanyRows(
        new_id(), [new_id() for _ in range(patients)], [new_id() for _ in range(places)]
    )
    company = CompanyRow(
        id=rows.company_id,
        name=name,
        zone="Europe/Zurich",
        dispatch_mode=DispatchMode.MANUAL,
        settings={},
        created_at=now,
    )
    async with database.transaction(OWNER) as session:
        session.add(company)
        await session.flush()
        session.add_all(_patient(vault, rows.company_id, each, now) for each in rows.patients)
        session.add_all(_place(rows.company_id, each, now) for each in rows.places)
    return rows


def _patient(vault: PatientVault, company_id: UUID, patient_id: UUID, now: datetime) -> PatientRow:
    key = vault.new_data_key(patient_id)
    return PatientRow(
        id=patient_id,
        company_id=company_id,
        data_key=key,
        sealed=vault.seal(key, patient_id, {"name": "Synthetic"}),
        mobility="wheelchair",
        created_at=now,
    )


def _place(company_id: UUID, place_id: UUID, now: datetime) -> PlaceRow:
    return PlaceRow(
        id=place_id,
        company_id=company_id,
        label="Clinic",
        lat=46.2,
        lon=6.1,
        precision=Precision.HOUSE,
        geocode_source="client",
        created_at=now,
    )
