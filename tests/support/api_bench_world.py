"""A company with patients and places for benchmarks of bookings, and requests for them."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

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

MASTER = bytes(range(32))
KEY = base64.b64encode(MASTER).decode()
PATIENTS, PLACES = 2_000, 200


def jwks_file(folder: Path) -> Path:
    """The public keys of the tokens, for the servers."""
    return folder / "jwks.json"


@dataclass(frozen=True)
class BenchWorld:
    """What requests are made of."""

    company_id: UUID
    patients: list[UUID]
    places: list[UUID]
    token: str

    def request(self, *, full: bool) -> Callable[[], bytes]:
        """Makes requests, each for another patient, place and key; cheaply."""
        draw = random.Random(4)
        soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
        body = {
            "patient_id": "P" * 36,
            "direction": "ALLER",
            "pickup_place_id": "A" * 36,
            "dropoff_place_id": "B" * 36,
            "pickup_from": soon.isoformat(),
            "pickup_to": (soon + timedelta(minutes=20)).isoformat(),
            "appointment_at": (soon + timedelta(minutes=50)).isoformat(),
            "mobility": "wheelchair",
            "purpose": "dialysis",
            "notes": "Ring twice.",
        }
        text = json.dumps(body)
        own = (
            f"Authorization: Bearer {self.token}\r\nIdempotency-Key: %s\r\n"
            if full
            else "X: %s\r\n"
        )
        template = (
            "POST /v1/bookings HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n{own}\r\n"
        )
        split = text.replace("P" * 36, "%s").replace("A" * 36, "%s").replace("B" * 36, "%s")

        def request() -> bytes:
            ends = draw.choice(self.places), draw.choice(self.places)
            return (template % uuid4() + split % (draw.choice(self.patients), *ends)).encode()

        return request


async def make_world(database: Database, folder: Path) -> BenchWorld:
    """One company's rows, written straight into a migrated database."""
    signer, now = TokenSigner(), datetime.now(UTC)
    jwks_file(folder).write_text(json.dumps(signer.jwks()))
    vault = PatientVault(MasterKeys({1: MASTER}, 1))
    company_id = new_id()
    patients = [new_id() for _ in range(PATIENTS)]
    places = [new_id() for _ in range(PLACES)]
    company = CompanyRow(
        id=company_id,
        name="SYNTHETIC bench",
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
            sealed = vault.seal(key, patient_id, {"name": "Synthetic"})
            session.add(
                PatientRow(
                    id=patient_id,
                    company_id=company_id,
                    data_key=key,
                    sealed=sealed,
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
    token = signer.issue(
        subject="bench", role=Role.DISPATCHER, company_id=company_id, lifetime=timedelta(hours=6)
    )
    return BenchWorld(company_id, patients, places, token)
