"""A rolling upgrade: the release before goes on serving, on the schema of this one."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from support.databases import run_apart
from support.previous_release import previous_release
from support.tokens import TokenSigner

from atmr_common.database.migrations import pending, upgrade
from atmr_common.web.identity import Role
from atmr_engine.formats.csv_writing import write_csv
from atmr_engine.simulate.demand import Demand, generate_day

DISPATCH = {"package": "dispatch_api", "schema": "dispatch"}
PATIENCE_S = 120.0
DAYS = (date(2026, 3, 16), date(2026, 3, 17))


@pytest.fixture
def issuer() -> TokenSigner:
    return TokenSigner(issuer="https://login.test/")


@pytest.fixture
def environment(tmp_path: Path, issuer: TokenSigner, empty_database_url: str) -> dict[str, str]:
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps(issuer.jwks()))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    return os.environ | {
        "ATMR_WORKER_PORT": "0",
        "DATABASE_URL": empty_database_url,
        "ATMR_AUTH_ISSUER": issuer.issuer,
        "ATMR_AUTH_JWKS_FILE": str(keys),
        "ATMR_PATIENT_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "ATMR_PORT": str(port),
        "ATMR_WORKER_IN_PROCESS": "true",
        "ATMR_SOLVER_SECONDS": "0",
    }


@pytest.fixture
def client(environment: dict[str, str]) -> Iterator[httpx.Client]:
    url = f"http://127.0.0.1:{environment['ATMR_PORT']}"
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        yield client


def bearer(issuer: TokenSigner, role: Role, company_id: UUID | None = None) -> dict[str, str]:
    token = issuer.issue(role=role, company_id=company_id, lifetime=timedelta(hours=1))
    return {"Authorization": f"Bearer {token}"}


def eventually(holds: Callable[[], Any]) -> Any:
    """What `holds` answers as soon as that is true; a process takes a moment to start."""
    limit = time.monotonic() + PATIENCE_S
    while time.monotonic() < limit:
        try:
            if answer := holds():
                return answer
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    return pytest.fail(f"not within {PATIENCE_S:.0f} s")


def plan_a_day(client: httpx.Client, day: date) -> dict[str, Any]:
    """Book a synthetic day, dispatch it, and read the plan that was committed."""
    files = write_csv(generate_day(Demand(bookings=6, duties=2, day=day), seed=day.day))
    for kind, text in (("duties", files.duties), ("bookings", files.bookings)):
        parameters = {"strict": "true", "date": day.isoformat()}
        imported = client.post(
            f"/v1/imports/{kind}",
            params=parameters,
            content=text.encode(),
            headers={"Content-Type": "text/csv"},
        )
        assert imported.is_success, imported.text
    asked = client.post("/v1/dispatch-runs", json={"date": day.isoformat(), "seconds": 0})
    assert asked.is_success, asked.text
    path = f"/v1/dispatch-runs/{asked.json()['id']}"
    run = eventually(lambda: _ended(client.get(path).json()))
    assert run["state"] == "completed", run
    plan: dict[str, Any] = client.get(f"/v1/plans/{day.isoformat()}").json()
    assert plan["summary"]["kpis"]["served"] > 0
    return plan


def _ended(run: dict[str, Any]) -> dict[str, Any] | None:
    return run if run["state"] in {"completed", "failed", "cancelled"} else None


def asked(url: str, query: str) -> Any:
    async def ask() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return run_apart(ask())


def test_the_release_before_books_plans_and_relays_on_the_new_schema(
    environment: dict[str, str],
    client: httpx.Client,
    issuer: TokenSigner,
    empty_database_url: str,
    tmp_path: Path,
) -> None:
    url = empty_database_url
    asyncio.run(upgrade(url, revision="0001", **DISPATCH))
    with previous_release(environment, tmp_path / "release.log"):
        eventually(lambda: client.get("/readyz").is_success)
        platform = bearer(issuer, Role.SERVICE)
        company = client.post("/v1/companies", json={"name": "SYNTHETIC"}, headers=platform).json()
        client.headers.update(bearer(issuer, Role.DISPATCHER, UUID(company["id"])))
        plan_a_day(client, DAYS[0])
        asyncio.run(upgrade(url, **DISPATCH))  # while the release before serves
        assert asyncio.run(pending(url, **DISPATCH)) is None
        before = asked(url, "SELECT last_value FROM dispatch.outbox_position_seq")
        plan_a_day(client, DAYS[1])
        told = asked(url, "SELECT last_value FROM dispatch.outbox_position_seq") - before
        eventually(lambda: asked(url, "SELECT count(*) FROM dispatch.outbox") == 0)
    assert told > 6, "the release before told its bookings and its plan on the new schema"
    assert asked(url, "SELECT count(DISTINCT day) FROM dispatch.plan") == 2
