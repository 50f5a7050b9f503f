"""The development issuer's own door: whom it answers, what a code is good for, and how often."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import jwt
import pytest

from atmr_common.runtime.clock import FixedClock
from atmr_common.web.identity import Role
from atmr_common.web.login import challenge_of
from standalone.issuer.app import IssuerDoor, create_issuer_app
from standalone.issuer.codes import Codes, Grant
from standalone.issuer.companies import companies_by_id, companies_file
from standalone.issuer.signing import DevelopmentIssuer

COMPANY = "0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10"
CALLBACK = "http://127.0.0.1:8000/auth/callback"
PROOF = "p" * 43
ASKED = {
    "response_type": "code",
    "client_id": "atmr-board",
    "redirect_uri": CALLBACK,
    "scope": "openid",
    "state": "st&te",
    "nonce": "n0nce",
    "code_challenge": challenge_of(PROOF),
    "code_challenge_method": "S256",
}
CHOSEN = {"subject": "m.favre", "role": "dispatcher", "company": COMPANY}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 16, 6, 0, tzinfo=UTC))


@pytest.fixture
async def client(tmp_path: Path, clock: FixedClock) -> AsyncIterator[httpx.AsyncClient]:
    door = IssuerDoor(
        issuer=DevelopmentIssuer(tmp_path, clock),
        codes=Codes(clock),
        url="http://127.0.0.1:8009",
        audience="atmr",
        lifetime=timedelta(hours=12),
        redirect_uris=frozenset({CALLBACK}),
        companies=lambda: {COMPANY: '<Transports "du Lac">'},
    )
    transport = httpx.ASGITransport(create_issuer_app(door))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8009") as client:
        yield client


async def code_for(client: httpx.AsyncClient, **changes: str) -> str:
    answer = await client.post("/authorize", data=ASKED | CHOSEN | changes)
    assert answer.status_code == 303, answer.text
    where = urlsplit(answer.headers["location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == CALLBACK
    query = parse_qs(where.query)
    assert query["state"] == ["st&te"]
    return query["code"][0]


async def exchange(client: httpx.AsyncClient, code: str, **changes: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "atmr-board",
        "redirect_uri": CALLBACK,
        "code_verifier": PROOF,
    }
    return await client.post("/token", data=form | changes)


async def test_a_code_becomes_tokens(client: httpx.AsyncClient) -> None:
    answer = await exchange(client, await code_for(client))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    tokens = answer.json()
    plain = {"verify_signature": False}
    access = jwt.decode(tokens["access_token"], options=plain)
    assert (access["aud"], access["role"], access["company_id"]) == ("atmr", "dispatcher", COMPANY)
    identity = jwt.decode(tokens["id_token"], options=plain)
    assert (identity["aud"], identity["nonce"]) == ("atmr-board", "n0nce")
    assert identity["sub"] == access["sub"] == "m.favre"
    assert "role" not in identity


async def test_a_code_is_good_once(client: httpx.AsyncClient) -> None:
    code = await code_for(client)
    await exchange(client, code)
    again = await exchange(client, code)
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"code_verifier": "q" * 43}, id="another proof"),
        pytest.param({"code_verifier": ""}, id="no proof"),
        pytest.param({"redirect_uri": "http://127.0.0.1:8000/other"}, id="another address"),
        pytest.param({"client_id": "another"}, id="another client"),
        pytest.param({"code": "made-up"}, id="another code"),
    ],
)
async def test_a_code_is_bound_and_spent_by_a_wrong_use(
    client: httpx.AsyncClient, change: dict[str, str]
) -> None:
    code = await code_for(client)
    refused = await exchange(client, **({"code": code} | change))
    assert (refused.status_code, refused.json()) == (400, {"error": "invalid_grant"})
    if "code" not in change:
        assert (await exchange(client, code)).status_code == 400


async def test_a_code_lives_a_minute(client: httpx.AsyncClient, clock: FixedClock) -> None:
    code = await code_for(client)
    clock.advance(timedelta(seconds=60))
    assert (await exchange(client, code)).status_code == 400


async def test_another_grant_is_not_given(client: httpx.AsyncClient) -> None:
    answer = await exchange(client, "x", grant_type="password")
    assert answer.json() == {"error": "unsupported_grant_type"}
    not_a_form = await client.post("/token", content=b"\xff&" * 100)
    assert not_a_form.status_code == 400


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "another"},
        {"redirect_uri": "https://evil.test/"},
        {"redirect_uri": f"{CALLBACK}/../evil"},
        {"redirect_uri": ""},
    ],
)
async def test_a_stranger_gets_no_answer_at_its_address(
    client: httpx.AsyncClient, method: str, change: dict[str, str]
) -> None:
    asked = ASKED | CHOSEN | change
    sent = {"params": asked} if method == "GET" else {"data": asked}
    answer = await client.request(method, "/authorize", **sent)  # type: ignore[arg-type]  # either
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
    ],
)
async def test_our_client_is_told_what_is_wrong(
    client: httpx.AsyncClient, change: dict[str, str], error: str
) -> None:
    answer = await client.get("/authorize", params=ASKED | change)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query == {"error": [error], "state": ["st&te"]}


async def test_the_page_works_without_scripts_and_cannot_be_framed(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/authorize", params=ASKED | {"state": '"><script>alert(1)</script>'})
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "&lt;Transports" in answer.text
    assert '<html lang="en">' in answer.text
    assert answer.text.count("<legend>") == 2
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"company": ""}, "acts within a company"),
        ({"company": "lac"}, "looks like"),
        ({"role": "king"}, "Choose a role"),
        ({"subject": " "}, "Give a name"),
    ],
)
async def test_a_choice_that_cannot_be_is_asked_again(
    client: httpx.AsyncClient, change: dict[str, str], sentence: str
) -> None:
    answer = await client.post("/authorize", data=ASKED | CHOSEN | change)
    assert answer.status_code == 422
    assert '<p role="alert">' in answer.text
    assert sentence in answer.text


async def test_a_service_may_belong_to_no_company(client: httpx.AsyncClient) -> None:
    code = await code_for(client, role="service", company="")
    access = (await exchange(client, code)).json()["access_token"]
    assert jwt.decode(access, options={"verify_signature": False})["company_id"] is None


def test_forgotten_codes_do_not_pile_up(clock: FixedClock) -> None:
    codes = Codes(clock)
    grant = Grant(
        client_id="c",
        redirect_uri="r",
        challenge=challenge_of("p"),
        nonce=None,
        subject="s",
        role=Role.DRIVER,
        company_id=UUID(COMPANY),
    )
    given = [codes.give(grant) for _ in range(1_001)]
    first, last = (
        codes.take(code, client_id="c", redirect_uri="r", proof="p")
        for code in (given[0], given[-1])
    )
    assert (first, last) == (None, grant)


@pytest.mark.parametrize("content", [None, "half a f", "[]", "5"])
def test_without_a_readable_list_any_company_can_be_typed(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        companies_file(tmp_path).write_text(content)
    assert companies_by_id(tmp_path) == {}


def test_the_companies_of_the_demo_can_be_chosen(tmp_path: Path) -> None:
    companies_file(tmp_path).write_text(json.dumps({"Lac": COMPANY}))
    assert companies_by_id(tmp_path) == {COMPANY: "Lac"}
