"""Login of a browser: the walk to the issuer and back, everything that may not work, and logout."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs
from support.tokens import TokenSigner

from atmr_common.runtime.clock import FixedClock
from atmr_common.runtime.service_process import ConfigurationError
from atmr_common.runtime.settings import ServiceSettings
from atmr_common.web.access import BookingReader, BookingWriter
from atmr_common.web.identity_parts import IdentityParts, build_identity
from atmr_common.web.login import challenge_of, require_local
from atmr_common.web.login_endpoints import router as login_router
from atmr_common.web.problems import InvalidError
from atmr_common.web.sealed_cookies import CookieSeal, read_seal
from atmr_common.web.service_app import ServiceDescription, create_service_app

NOW = datetime(2026, 3, 16, 6, 0, tzinfo=UTC)
ISSUER, BOARD = "https://login.test", "https://board.test"
COMPANY = UUID("0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10")
SAME = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class MockIssuer:
    """The issuer's server: `id_claims`, `access` and `answer` bend what it gives for a code."""

    signer: TokenSigner
    nonce: str = ""
    challenge: str = ""
    id_claims: dict[str, Any] = field(default_factory=dict)
    access: dict[str, Any] = field(default_factory=dict)
    answer: httpx.Response | Exception | None = None
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/.well-known/openid-configuration":
            document = {"issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/authorize"}
            document |= {"token_endpoint": f"{ISSUER}/token", "jwks_uri": f"{ISSUER}/jwks"}
            return httpx.Response(200, json=document)
        if request.url.path == "/jwks":
            return httpx.Response(200, json=self.signer.jwks())
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or self.tokens(parse_qs(request.content.decode()))

    def tokens(self, form: dict[str, list[str]]) -> httpx.Response:
        if challenge_of(form["code_verifier"][0]) != self.challenge:
            return httpx.Response(400, json={"error": "invalid_grant"})
        own = {"aud": "board", "sub": "m.favre", "nonce": self.nonce}
        id_token = self.signer.issue(claims=own | self.id_claims)
        access = self.signer.issue(subject="m.favre", company_id=COMPANY, claims=self.access)
        return httpx.Response(200, json={"access_token": access, "id_token": id_token})


def operations() -> APIRouter:
    router = APIRouter()

    @router.get("/v1/things")
    async def read(caller: BookingReader) -> str:
        return caller.subject

    @router.post("/v1/things")
    async def write(caller: BookingWriter) -> str:
        return caller.subject

    return router


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


def door(identity: IdentityParts) -> FastAPI:
    app = create_service_app(
        ServiceDescription(
            name="board",
            title="Board",
            summary="Shows.",
            version="1",
            routers=[login_router, operations()],
            lifespan=lifespan,
            registry=CollectorRegistry(),
            max_body_bytes=1_000,
        )
    )
    identity.install(app)
    return app


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def issuer(clock: FixedClock) -> MockIssuer:
    return MockIssuer(TokenSigner(issuer=ISSUER, clock=clock))


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    key = tmp_path / "session.key"
    key.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    return ServiceSettings(
        _env_file=None,
        auth_issuer=ISSUER,
        auth_client_id="board",
        auth_session_key_file=key,
        public_url=BOARD,
    )


@pytest.fixture
async def identity(
    settings: ServiceSettings, issuer: MockIssuer, clock: FixedClock
) -> AsyncIterator[IdentityParts]:
    client = httpx.AsyncClient(transport=httpx.MockTransport(issuer))
    parts = build_identity(settings, registry=CollectorRegistry(), client=client, clock=clock)
    yield parts
    await parts.aclose()


@pytest.fixture
async def browser(identity: IdentityParts) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(door(identity), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BOARD) as client:
        yield client


async def departed(browser: httpx.AsyncClient, issuer: MockIssuer, **query: str) -> dict[str, str]:
    """What the browser carries to the issuer, who remembers it."""
    answer = await browser.get("/auth/login", params=query)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{ISSUER}/authorize?")
    asked = {
        name: values[0]
        for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()
    }
    issuer.nonce, issuer.challenge = asked["nonce"], asked["code_challenge"]
    return asked


async def returned(browser: httpx.AsyncClient, state: str, code: str = "c0de") -> httpx.Response:
    return await browser.get("/auth/callback", params={"code": code, "state": state})


async def log_in(browser: httpx.AsyncClient, issuer: MockIssuer) -> None:
    answer = await returned(browser, (await departed(browser, issuer))["state"])
    assert answer.status_code == 303, answer.text


def cookies_of(answer: httpx.Response) -> dict[str, str]:
    return {line.split("=")[0]: line for line in answer.headers.get_list("set-cookie")}


async def test_the_whole_walk(browser: httpx.AsyncClient, issuer: MockIssuer) -> None:
    asked = await departed(browser, issuer, next="/docs?day=2026-03-16")
    assert asked["redirect_uri"] == f"{BOARD}/auth/callback"
    assert asked["code_challenge_method"] == "S256"
    assert asked["response_type"] == "code"
    answer = await returned(browser, asked["state"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/docs?day=2026-03-16")
    session = cookies_of(answer)["__Host-atmr"]
    for attribute in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=3600"):
        assert attribute in session
    assert "Domain" not in session
    assert "Max-Age=0" in cookies_of(answer)["__Host-atmr-login"]
    me = (await browser.get("/auth/me")).json()
    assert (me["subject"], me["role"], me["company_id"]) == ("m.favre", "dispatcher", str(COMPANY))
    assert (await browser.get("/v1/things")).json() == "m.favre"


async def test_the_cookie_does_not_show_the_token(
    browser: httpx.AsyncClient, issuer: MockIssuer
) -> None:
    await log_in(browser, issuer)
    value = browser.cookies["__Host-atmr"]
    plain = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    assert b"eyJ" not in plain
    assert b"m.favre" not in plain


async def test_neither_logs_nor_addresses_hold_a_token(
    browser: httpx.AsyncClient, issuer: MockIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with capture_logs() as logs:
        await log_in(browser, issuer)
        issuer.answer = httpx.Response(400, json={"error": "invalid_grant"})
        await returned(browser, (await departed(browser, issuer))["state"], "s3cret-code")
        issuer.answer = httpx.ConnectError("refused")
        await returned(browser, (await departed(browser, issuer))["state"], "s3cret-code")
    said = json.dumps(logs, default=str) + caplog.text.replace(
        "/auth/callback?code=s3cret-code",
        "",  # httpx in this test plays the browser
    )
    assert "eyJ" not in said
    assert "s3cret-code" not in said


@pytest.mark.parametrize("secret", [None, "cl1ent"])
async def test_a_confidential_client_shows_its_secret(
    settings: ServiceSettings,
    issuer: MockIssuer,
    clock: FixedClock,
    tmp_path: Path,
    secret: str | None,
) -> None:
    if secret is not None:
        (tmp_path / "secret").write_text(f"{secret}\n")
        settings = settings.model_copy(update={"auth_client_secret_file": tmp_path / "secret"})
    client = httpx.AsyncClient(transport=httpx.MockTransport(issuer))
    parts = build_identity(settings, registry=CollectorRegistry(), client=client, clock=clock)
    transport = httpx.ASGITransport(door(parts))
    async with httpx.AsyncClient(transport=transport, base_url=BOARD) as browser:
        await log_in(browser, issuer)
    await parts.aclose()
    shown = issuer.asked[0].headers.get("Authorization")
    basic = base64.b64encode(f"board:{secret}".encode()).decode()
    assert shown == (f"Basic {basic}" if secret else None)


class TestRefusals:
    """Each is a problem, and none leaves a session behind."""

    async def refused(
        self, browser: httpx.AsyncClient, answer: httpx.Response, status: int = 401
    ) -> str:
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert "__Host-atmr" not in cookies_of(answer)
        assert (await browser.get("/auth/me")).status_code == 401
        return str(answer.json()["code"])

    async def test_another_state(self, browser: httpx.AsyncClient, issuer: MockIssuer) -> None:
        await departed(browser, issuer)
        assert await self.refused(browser, await returned(browser, "x")) == "login_failed"
        assert await self.refused(browser, await returned(browser, "é")) == "login_failed"

    async def test_a_browser_that_began_no_login(
        self, browser: httpx.AsyncClient, issuer: MockIssuer
    ) -> None:
        state = (await departed(browser, issuer))["state"]
        browser.cookies.clear()
        await self.refused(browser, await returned(browser, state))

    async def test_a_cookie_of_ours_for_another_purpose(
        self, browser: httpx.AsyncClient, issuer: MockIssuer
    ) -> None:
        state = (await departed(browser, issuer))["state"]
        login = browser.cookies["__Host-atmr-login"]
        browser.cookies.set("__Host-atmr", login, domain="board.test")
        assert (await browser.get("/auth/me")).status_code == 401
        browser.cookies.clear()
        browser.cookies.set("__Host-atmr-login", login[:-2] + "AA", domain="board.test")
        await self.refused(browser, await returned(browser, state))

    async def test_a_login_that_took_too_long(
        self, browser: httpx.AsyncClient, issuer: MockIssuer, clock: FixedClock
    ) -> None:
        state = (await departed(browser, issuer))["state"]
        clock.advance(timedelta(minutes=10))
        await self.refused(browser, await returned(browser, state))

    async def test_a_second_use_of_the_way_back(
        self, browser: httpx.AsyncClient, issuer: MockIssuer
    ) -> None:
        state = (await departed(browser, issuer))["state"]
        await returned(browser, state)
        del browser.cookies["__Host-atmr"]
        await self.refused(browser, await returned(browser, state))

    async def test_an_issuer_that_says_no(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.get("/auth/callback?error=access_denied&error_description=<b>")
        assert await self.refused(browser, answer) == "login_failed"
        assert "<b>" not in answer.text

    @pytest.mark.parametrize("query", ["", "?code=x", "?state=x"])
    async def test_half_an_answer(self, browser: httpx.AsyncClient, query: str) -> None:
        await self.refused(browser, await browser.get(f"/auth/callback{query}"))

    async def test_a_code_that_the_issuer_does_not_take(
        self, browser: httpx.AsyncClient, issuer: MockIssuer
    ) -> None:
        state = (await departed(browser, issuer))["state"]
        issuer.challenge = "of another login"
        assert await self.refused(browser, await returned(browser, state)) == "login_failed"

    @pytest.mark.parametrize(
        "claims",
        [
            pytest.param({"nonce": "another"}, id="another nonce"),
            pytest.param({"nonce": None}, id="no nonce"),
            pytest.param({"aud": "another-client"}, id="for another client"),
            pytest.param({"aud": ["board", "x"], "azp": "x"}, id="given to another client"),
            pytest.param({"sub": "somebody.else"}, id="another person"),
            pytest.param({"iss": "https://elsewhere.test"}, id="another issuer"),
            pytest.param({"exp": 1}, id="expired"),
        ],
    )
    async def test_an_id_token_that_answers_something_else(
        self, browser: httpx.AsyncClient, issuer: MockIssuer, claims: dict[str, Any]
    ) -> None:
        issuer.id_claims = claims
        state = (await departed(browser, issuer))["state"]
        assert await self.refused(browser, await returned(browser, state)) == "login_failed"

    @pytest.mark.parametrize(
        "claims",
        [
            pytest.param({"aud": "another-api"}, id="for another service"),
            pytest.param({"role": "king"}, id="an unknown role"),
            pytest.param({"pad": "x" * 4_000}, id="longer than a cookie"),
        ],
    )
    async def test_an_access_token_that_is_not_for_us(
        self, browser: httpx.AsyncClient, issuer: MockIssuer, claims: dict[str, Any]
    ) -> None:
        issuer.access = claims
        state = (await departed(browser, issuer))["state"]
        assert await self.refused(browser, await returned(browser, state)) == "login_failed"

    @pytest.mark.parametrize(
        "answer",
        [httpx.ConnectError("refused"), httpx.Response(500), httpx.Response(200, text="no")],
    )
    async def test_an_issuer_that_does_not_answer_is_unavailable(
        self, browser: httpx.AsyncClient, issuer: MockIssuer, answer: Any
    ) -> None:
        state = (await departed(browser, issuer))["state"]
        issuer.answer = answer
        assert await self.refused(browser, await returned(browser, state), 503) == "unavailable"

    @pytest.mark.parametrize("tokens", [{}, {"access_token": 5}, {"access_token": "x"}])
    async def test_an_issuer_that_gives_no_tokens(
        self, browser: httpx.AsyncClient, issuer: MockIssuer, tokens: dict[str, Any]
    ) -> None:
        state = (await departed(browser, issuer))["state"]
        issuer.answer = httpx.Response(200, json=tokens)
        await self.refused(browser, await returned(browser, state))


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.test/",
        "//evil.test/",
        "/\\evil.test/",
        "\\\\evil.test",
        "/a\\..\\b",
        "javascript:alert(1)",
        "evil.test",
        "",
        "/\n//evil.test",
        "/\t/evil.test",
        "/a b",
        "/" + "a" * 1_000,
        "/é",
    ],
)
async def test_next_never_leads_away(browser: httpx.AsyncClient, elsewhere: str) -> None:
    answer = await browser.get("/auth/login", params={"next": elsewhere})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@given(st.text(alphabet="/\\:?#@.ab \t\n\r%", max_size=12))
def test_a_path_that_is_taken_stays_on_the_host(path: str) -> None:
    try:
        require_local(path)
    except InvalidError:
        return
    assert httpx.URL(BOARD).join(path).host == "board.test"


class TestCrossSite:
    @pytest.mark.parametrize("headers", [SAME, {"Origin": BOARD}, SAME | {"Origin": BOARD}])
    async def test_our_own_pages_may_change_something(
        self, browser: httpx.AsyncClient, issuer: MockIssuer, headers: dict[str, str]
    ) -> None:
        await log_in(browser, issuer)
        assert (await browser.post("/v1/things", headers=headers)).status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "none"},
            {"Sec-Fetch-Site": "cross-site", "Origin": BOARD},
            {"Origin": "https://evil.test"},
            {"Origin": "http://board.test"},
            {"Origin": f"{BOARD}:8443"},
            {"Origin": "null"},
        ],
    )
    @pytest.mark.parametrize("path", ["/v1/things", "/auth/logout"])
    async def test_pages_of_others_may_not(
        self, browser: httpx.AsyncClient, issuer: MockIssuer, headers: dict[str, str], path: str
    ) -> None:
        await log_in(browser, issuer)
        answer = await browser.post(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert (await browser.get("/auth/me")).status_code == 200

    async def test_a_bearer_token_proves_enough_by_itself(
        self, browser: httpx.AsyncClient, issuer: MockIssuer
    ) -> None:
        await log_in(browser, issuer)
        token = issuer.signer.issue(subject="program", company_id=COMPANY)
        headers = {"Authorization": f"Bearer {token}", "Sec-Fetch-Site": "cross-site"}
        assert (await browser.post("/v1/things", headers=headers)).json() == "program"


async def test_logout_ends_the_session_in_this_browser(
    browser: httpx.AsyncClient, issuer: MockIssuer
) -> None:
    await log_in(browser, issuer)
    answer = await browser.post("/auth/logout", headers=SAME)
    assert answer.status_code == 204
    assert "Max-Age=0" in cookies_of(answer)["__Host-atmr"]
    assert (await browser.get("/auth/me")).status_code == 401
    assert (await browser.post("/auth/logout", headers=SAME)).status_code == 204


async def test_a_session_ends_with_its_token(
    browser: httpx.AsyncClient, issuer: MockIssuer, clock: FixedClock
) -> None:
    await log_in(browser, issuer)
    clock.advance(timedelta(hours=1, seconds=5))
    assert (await browser.get("/auth/me")).status_code == 401


async def test_where_no_login_is_set_up_it_says_so(
    settings: ServiceSettings, issuer: MockIssuer, clock: FixedClock
) -> None:
    settings = settings.model_copy(update={"auth_client_id": None})
    client = httpx.AsyncClient(transport=httpx.MockTransport(issuer))
    parts = build_identity(settings, registry=CollectorRegistry(), client=client, clock=clock)
    transport = httpx.ASGITransport(door(parts))
    async with httpx.AsyncClient(transport=transport, base_url=BOARD) as browser:
        for method, path in (("GET", "login"), ("GET", "callback"), ("POST", "logout")):
            answer = await browser.request(method, f"/auth/{path}", headers=SAME)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        token = issuer.signer.issue(company_id=COMPANY, scope="bookings:read")
        bearer = {"Authorization": f"Bearer {token}"}
        assert (await browser.get("/auth/me", headers=bearer)).json()["scopes"] == ["bookings:read"]
    await parts.aclose()


class TestSeal:
    def test_an_old_key_still_opens_and_the_new_one_seals(self, tmp_path: Path) -> None:
        old, new = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2))
        path = tmp_path / "keys"
        path.write_text(old)
        before = read_seal(path).seal("session", b"token")
        path.write_text(f"{new}\n{old}\n")
        both = read_seal(path)
        assert both.open("session", before) == b"token"
        path.write_text(new)
        assert read_seal(path).open("session", both.seal("session", b"x")) == b"x"
        assert read_seal(path).open("session", before) is None

    @given(st.text(max_size=60))
    def test_anything_else_opens_nothing(self, text: str) -> None:
        assert CookieSeal([bytes(32)]).open("session", text) is None

    @pytest.mark.parametrize("content", ["", "c2hvcnQ=", "not base64!", "é"])
    def test_a_file_without_keys_is_named_with_the_remedy(
        self, tmp_path: Path, content: str
    ) -> None:
        path = tmp_path / "keys"
        path.write_text(content)
        with pytest.raises(ConfigurationError, match="openssl rand -base64 32"):
            read_seal(path)
