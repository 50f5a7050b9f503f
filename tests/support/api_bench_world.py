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

from support.company_rows import MASTER, write_company
from support.tokens import TokenSigner

from atmr_common.database.engine import Database
from atmr_common.web.identity import Role

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
    signer = TokenSigner()
    jwks_file(folder).write_text(json.dumps(signer.jwks()))
    rows = await write_company(database, name="SYNTHETIC bench", patients=PATIENTS, places=PLACES)
    token = signer.issue(
        subject="bench",
        role=Role.DISPATCHER,
        company_id=rows.company_id,
        lifetime=timedelta(hours=6),
    )
    return BenchWorld(rows.company_id, rows.patients, rows.places, token)
