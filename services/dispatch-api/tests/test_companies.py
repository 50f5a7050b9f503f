"""Companies through the API."""

from __future__ import annotations

from uuid import UUID, uuid4

import httpx
import pytest
from support.dispatch_client import DispatchApi

from atmr_common.database.engine import Database
from atmr_common.web.identity import Role


async def test_a_company_keeps_what_it_was_set_up_with(dispatch_api: DispatchApi) -> None:
    company_id = await dispatch_api.company("Lac", settings={"late_cancellation_min": 60})
    async with dispatch_api.client(company_id) as client:
        company = (await client.get("/v1/company")).json()
    assert company["name"] == "Lac"
    assert company["zone"] == "Europe/Zurich"
    assert company["settings"]["late_cancellation_min"] == 60


async def test_only_a_platform_service_sets_companies_up(
    dispatch_api: DispatchApi, company_id: UUID
) -> None:
    async with dispatch_api.client(company_id, Role.ADMIN) as admin:
        answer = await admin.post("/v1/companies", json={"name": "another"})
    assert answer.status_code == 403
    assert answer.json()["code"] == "forbidden"


async def test_a_change_raises_the_version_and_leaves_the_rest(
    dispatch_api: DispatchApi, company_id: UUID
) -> None:
    async with dispatch_api.client(company_id, Role.ADMIN) as admin:
        answer = await admin.patch("/v1/company", json={"dispatch_mode": "auto"})
        company = (await admin.get("/v1/company")).json()
    assert answer.status_code == 200
    assert (company["dispatch_mode"], company["name"]) == ("auto", "Transports du Lac")
    assert company["version"] == 2


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", ""])
async def test_an_unknown_zone_is_refused_with_a_pointer(
    dispatch_api: DispatchApi, zone: str
) -> None:
    async with dispatch_api.client(None, Role.SERVICE) as platform:
        answer = await platform.post("/v1/companies", json={"name": "x", "zone": zone})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["pointer"] == "#/body/zone"


async def test_without_a_token_nothing_is_shown(dispatch_api: DispatchApi) -> None:
    transport = httpx.ASGITransport(dispatch_api.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://dispatch") as nobody:
        answer = await nobody.get("/v1/company")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_of_an_unknown_company_finds_none(dispatch_api: DispatchApi) -> None:
    async with dispatch_api.client(uuid4()) as stranger:
        answer = await stranger.get("/v1/company")
    assert answer.status_code == 404


async def test_nothing_of_a_company_can_be_cleared(
    dispatch_api: DispatchApi, company_id: UUID
) -> None:
    async with dispatch_api.client(company_id, Role.ADMIN) as admin:
        for name in ("name", "zone", "dispatch_mode", "settings"):
            answer = await admin.patch("/v1/company", json={name: None})
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
            assert name in answer.json()["errors"][0]["detail"]


async def test_text_that_cannot_be_stored_is_a_problem(
    dispatch_api: DispatchApi, company_id: UUID
) -> None:
    async with dispatch_api.client(company_id, Role.ADMIN) as admin:
        answer = await admin.patch("/v1/company", json={"name": "a\x00b"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_while_the_database_is_away_nothing_is_promised(
    dispatch_api: DispatchApi, company_id: UUID
) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:9/none", schema="dispatch")
    dispatch_api.app.state.database = nowhere
    async with dispatch_api.client(company_id) as client:
        answer = await client.get("/v1/company")
    await nowhere.aclose()
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"]
