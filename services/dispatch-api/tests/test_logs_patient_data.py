"""No patient's data and no secret reaches the logs, whatever succeeds or fails, at DEBUG level."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
import structlog
from support.dispatch_client import DispatchApi

from atmr_common.database.engine import Database
from atmr_common.observability.logs import OWN, configure_logs
from atmr_common.web.identity import Role
from dispatch_api.patients.vault import PatientVault

MARK = "ZZSECRET"
MARKS = (MARK, MARK.lower(), "987 65 43", "9876543", "46.2123", "hard of hearing")
PATIENT: dict[str, Any] = {
    "reference": f"{MARK}-1",
    "mobility": "wheelchair",
    "name": f"{MARK} Mercier",
    "phone": "+41 22 987 65 43",
    "notes": f"{MARK} hard of hearing",
}
PLACE = {"label": f"{MARK} home", "address": f"Rue de {MARK} 5, Genève", "lat": 46.2123, "lon": 6.1}


@pytest.fixture(params=["json", "text"])
def written(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], str]]:
    """What was logged so far, at DEBUG, libraries included."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logs("DEBUG", request.param)
    yield stream.getvalue
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    for own in OWN:
        logging.getLogger(own).setLevel(logging.NOTSET)


def client_of(api: DispatchApi, company_id: UUID | None) -> httpx.AsyncClient:
    """A client that gets the 500 which a server would send, instead of the error."""
    client = api.client(company_id, Role.ADMIN)
    client._transport = httpx.ASGITransport(api.app, raise_app_exceptions=False)
    return client


async def test_success_and_refusal(
    dispatch_api: DispatchApi, company_id: UUID, written: Callable[[], str]
) -> None:
    async with client_of(dispatch_api, company_id) as client:
        created = await client.post("/v1/patients", json=PATIENT)
        assert created.status_code == 201, created.text
        path = f"/v1/patients/{created.json()['id']}"
        assert MARK in (await client.get(path)).text
        await client.post("/v1/patients/search", json={"text": MARK})
        refused = await client.post("/v1/patients", json=PATIENT | {"mobility": MARK, MARK: MARK})
        assert refused.status_code == 422
        assert (await client.post("/v1/patients", content=f'{{"name": "{MARK}')).status_code >= 400
        await client.post("/v1/places", json=PLACE)
        await client.get(f"/v1/patients/{MARK}", params={"name": MARK})
        await client.post(f"/v1/{MARK}", json=PATIENT)
        bad = {"Authorization": f"Bearer {MARK}", "Cookie": f"atmr={MARK}", "X-Api-Key": MARK}
        assert (await client.get(path, headers=bad)).status_code == 401
    assert written().count("request") > 6
    assert str(company_id) in written()
    assert [mark for mark in MARKS if mark in written()] == []


async def test_an_unforeseen_error(
    dispatch_api: DispatchApi,
    company_id: UUID,
    written: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"cannot seal {PATIENT}") from ValueError(MARK, PATIENT)

    monkeypatch.setattr(PatientVault, "seal", fail)
    async with client_of(dispatch_api, company_id) as client:
        answer = await client.post("/v1/patients", json=PATIENT, headers={"X-Request-Id": "r-7"})
    assert answer.status_code == 500
    assert "unforeseen error" in written()
    assert "RuntimeError" in written()
    assert "ValueError" in written()
    assert "r-7" in written()
    assert [mark for mark in MARKS if mark in written()] == []


async def test_an_error_of_the_database(
    dispatch_api: DispatchApi, company_id: UUID, written: Callable[[], str]
) -> None:
    """PostgreSQL tells the row in its message; SQLAlchemy tells the statement."""
    database: Database = dispatch_api.ports.database

    async def store() -> None:
        async with database.engine.begin() as connection:
            await connection.execute(sa.text("CREATE TEMP TABLE one (name text CHECK (name = ''))"))
            await connection.execute(sa.text("INSERT INTO one VALUES (:name)"), {"name": MARK})

    dispatch_api.app.add_api_route("/store", store)
    async with client_of(dispatch_api, company_id) as client:
        answer = await client.get("/store")
    assert answer.status_code == 500
    assert "IntegrityError" in written()
    assert "23514" in written()
    assert [mark for mark in MARKS if mark in written()] == []


async def test_the_control_a_mark_that_is_logged_is_seen(written: Callable[[], str]) -> None:
    structlog.get_logger("dispatch_api.tests").info("seen", state=MARK)
    assert MARK in written()
    if written().startswith("{"):
        assert json.loads(written())["state"] == MARK
