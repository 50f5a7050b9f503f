"""A database of a run's own: migrated, with a company, its patients and places, and the effects."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
from support.tokens import TokenSigner

from atmr_common.database.engine import Database
from atmr_common.database.tenancy import OWNER
from atmr_common.runtime.identifiers import new_id
from atmr_common.web.identity import Role
from dispatch_api.companies.domain import DispatchMode
from dispatch_api.companies.tables import CompanyRow
from dispatch_api.geocoding.port import Precision
from dispatch_api.patients.tables import PatientRow
from dispatch_api.patients.vault import MasterKeys, PatientVault
from dispatch_api.places.tables import PlaceRow
from dispatch_api.schema import SCHEMA

MASTER = bytes(range(32))
PATIENT_KEY = base64.b64encode(MASTER).decode()
PATIENTS, PLACES = 50, 10
EFFECTS = """
CREATE SCHEMA chaos;
CREATE TABLE chaos.applied (
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    booking_id uuid NOT NULL, version int NOT NULL, event_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT USAGE ON SCHEMA chaos TO atmr_dispatch_app;
GRANT INSERT ON chaos.applied TO atmr_dispatch_app;
"""


@dataclass(frozen=True)
class World:
    """What requests are made of."""

    company_id: UUID
    patients: list[UUID]
    places: list[UUID]
    token: str


class Issuer:
    """Signs the tokens of all runs; `jwks_file` is what the services read."""

    def __init__(self, folder: Path) -> None:
        self._signer = TokenSigner(issuer="https://login.test/")
        self.jwks_file = folder / "jwks.json"
        self.jwks_file.write_text(json.dumps(self._signer.jwks()))

    @property
    def name(self) -> str:
        return self._signer.issuer

    def token(self, company_id: UUID) -> str:
        return self._signer.issue(
            subject="chaos",
            role=Role.DISPATCHER,
            company_id=company_id,
            lifetime=timedelta(hours=12),
        )


async def make_world(url: str, issuer: Issuer) -> World:
    """Rows of one company in the migrated database of `url`, and the table of effects."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(EFFECTS)
    finally:
        await connection.close()
    company_id = new_id()
    patients = [new_id() for _ in range(PATIENTS)]
    places = [new_id() for _ in range(PLACES)]
    database = Database(url, schema=SCHEMA, pool_size=1)
    try:
        await _write(database, company_id, patients, places)
    finally:
        await database.aclose()
    return World(company_id, patients, places, issuer.token(company_id))


async def _write(
    database: Database, company_id: UUID, patients: list[UUID], places: list[UUID]
) -> None:
    now, vault = datetime.now(UTC), PatientVault(MasterKeys({1: MASTER}, 1))
    company = CompanyRow(
        id=company_id,
        name="SYNTHETIC chaos",
        zone="Europe/Zurich",
        dispatch_mode=DispatchMode.MANUAL,
        settings={},
        created_at=now,
    )
    async with database.transaction(OWNER) as session:
        session.add(company)
        await session.flush()
        for patient_id in patients:
            key = vault.new_data_key(patient_id)
            session.add(
                PatientRow(
                    id=patient_id,
                    company_id=company_id,
                    data_key=key,
                    sealed=vault.seal(key, patient_id, {"name": "Synthetic"}),
                    mobility="wheelchair",
                    created_at=now,
                )
            )
        for place_id in places:
            session.add(
                PlaceRow(
                    id=place_id,
                    company_id=company_id,
                    label="Clinic",
                    lat=46.2,
                    lon=6.1,
                    precision=Precision.HOUSE,
                    geocode_source="client",
                    created_at=now,
                )
            )
