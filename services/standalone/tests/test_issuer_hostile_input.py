"""Whatever is sent to the development issuer, it answers with a refusal and never with a 500."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from atmr_common.runtime.clock import FixedClock
from standalone.issuer.app import MAX_BODY_BYTES, IssuerDoor, create_issuer_app
from standalone.issuer.codes import Codes
from standalone.issuer.signing import DevelopmentIssuer

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
BODIES: dict[str, tuple[bytes, dict[str, str]]] = {
    "nothing": (b"", FORM),
    "deep JSON": (b"[" * 10_000, JSON),
    "JSON": (b'{"grant_type": "authorization_code"}', JSON),
    "NUL": (b"grant_type=authorization_code&code=%00&client_id=%00", FORM),
    "invalid UTF-8": (b"grant_type=%ff%fe&code=\xff", FORM),
    "many fields": (b"&".join(b"f%d=1" % n for n in range(1_000)), FORM),
    "a field twice": (b"grant_type=authorization_code&code=a&code=b", FORM),
    "half a percent": (b"grant_type=%&code=%2", FORM),
    "a script": (b"subject=<script>alert(1)</script>&redirect_uri=javascript:alert(1)", FORM),
    "another place to return to": (
        b"response_type=code&client_id=atmr-board&redirect_uri=https://evil.example/",
        FORM,
    ),
}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    clock = FixedClock(datetime(2026, 3, 16, 6, 0, tzinfo=UTC))
    door = IssuerDoor(
        issuer=DevelopmentIssuer(tmp_path, clock),
        codes=Codes(clock),
        url="http://127.0.0.1:8009",
        audience="atmr",
        lifetime=timedelta(hours=12),
        redirect_uris=frozenset({"http://127.0.0.1:8000/auth/callback"}),
        companies=dict,
    )
    transport = httpx.ASGITransport(create_issuer_app(door), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8009") as client:
        yield client


@pytest.mark.parametrize("path", ["/authorize", "/token"])
async def test_bodies(client: httpx.AsyncClient, path: str) -> None:
    odd = {}
    for name, (body, headers) in BODIES.items():
        answer = await client.post(path, content=body, headers=headers)
        harmful = "<script>" in answer.text or "evil" in answer.headers.get("location", "")
        if not 400 <= answer.status_code < 500 or harmful:
            odd[name] = (answer.status_code, answer.text[:200])
    assert odd == {}


async def test_a_large_body(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * (MAX_BODY_BYTES // 5)

    for content in (b"x" * (MAX_BODY_BYTES + 1), chunks()):
        answer = await client.post("/token", content=content, headers=FORM)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "query", ["", "redirect_uri=https://evil.example/", "state=%00", "x=" + "a" * 50_000, "%ff=%fe"]
)
async def test_queries(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/authorize?{query}")
    assert 400 <= answer.status_code < 500
    assert "location" not in answer.headers


@pytest.mark.parametrize("method", ["PUT", "DELETE", "BREW"])
async def test_methods(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/token")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
