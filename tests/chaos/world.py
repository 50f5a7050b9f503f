"""A database of a run's own: migrated, with a company, its patients and places, and the effects."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
from support.company_rows import MASTER, write_company
from support.tokens import TokenSigner

from atmr_common.database.engine import Database
from atmr_common.web.identity import Role
from dispatch_api.schema import SCHEMA

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
    database = Database(url, schema=SCHEMA, pool_size=1)
    try:
        rows = await write_company(
            database, name="SYNTHETIC chaos", patients=PATIENTS, places=PLACES
        )
    finally:
        await database.aclose()
    return World(rows.company_id, rows.patients, rows.places, issuer.token(rows.company_id))
