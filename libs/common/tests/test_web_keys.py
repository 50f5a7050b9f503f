"""The issuer's keys: which are used, and what happens when they rotate or cannot be had."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from prometheus_client import CollectorRegistry
from support.tokens import ES256, TokenSigner

from atmr_common.runtime.clock import FixedClock
from atmr_common.runtime.service_process import ConfigurationError
from atmr_common.runtime.settings import ServiceSettings
from atmr_common.web.bounded_fetch import FetchError
from atmr_common.web.discovery import IssuerDiscovery, is_safe, well_known
from atmr_common.web.identity_parts import build_identity
from atmr_common.web.key_ring import KeyRing
from atmr_common.web.key_set import KeySet
from atmr_common.web.key_sources import DiscoveredKeys, FileKeys, UrlKeys
from atmr_common.web.problems import UnauthenticatedError
from atmr_common.web.tokens import KeysMissingError, TokenVerifier

ISSUER = "https://login.test"
NOW = datetime(2026, 3, 16, 6, 0, tzinfo=UTC)
JWKS_URL = "https://login.test/jwks"
Answer = Callable[[httpx.Request], Any]
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": JWKS_URL,
}


class IssuerServer:
    """An issuer's HTTP server: `answer` decides, `requests` counts."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        response = self.answer(request)
        return await response if asyncio.iscoroutine(response) else response


def serves(*signers: TokenSigner) -> Answer:
    keys = [key for signer in signers for key in signer.jwks()["keys"]]
    return lambda _: httpx.Response(200, json={"keys": keys})


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def old(clock: FixedClock) -> TokenSigner:
    return TokenSigner(issuer=ISSUER, key_id="old", clock=clock)


@pytest.fixture
def new(clock: FixedClock) -> TokenSigner:
    return TokenSigner(issuer=ISSUER, key_id="new", clock=clock)


@pytest.fixture
def server(old: TokenSigner) -> IssuerServer:
    return IssuerServer(serves(old))


@pytest.fixture
async def client(server: IssuerServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as client:
        yield client


@pytest.fixture
def verifier(client: httpx.AsyncClient, clock: FixedClock) -> TokenVerifier:
    ring = KeyRing(UrlKeys(JWKS_URL, client, timeout_s=0.05), clock)
    return TokenVerifier(issuer=ISSUER, audience="atmr", keys=ring, clock=clock)


async def test_keys_rotate_without_a_restart(
    verifier: TokenVerifier,
    server: IssuerServer,
    old: TokenSigner,
    new: TokenSigner,
    clock: FixedClock,
) -> None:
    await verifier.authenticate(old.issue())
    server.answer = serves(old, new)
    clock.advance(timedelta(seconds=10))
    assert (await verifier.authenticate(new.issue())).subject == "tester"
    assert (await verifier.authenticate(old.issue(subject="still"))).subject == "still"
    assert server.requests == 2


async def test_made_up_key_names_do_not_make_us_ask_again_and_again(
    verifier: TokenVerifier, server: IssuerServer, old: TokenSigner, clock: FixedClock
) -> None:
    await verifier.authenticate(old.issue())
    for _ in range(3):
        with pytest.raises(UnauthenticatedError):
            await verifier.authenticate(TokenSigner(issuer=ISSUER, key_id="made up").issue())
    assert server.requests == 1
    clock.advance(timedelta(seconds=10))
    with pytest.raises(UnauthenticatedError):
        await verifier.authenticate(TokenSigner(issuer=ISSUER, key_id="made up").issue())
    assert server.requests == 2


async def test_many_at_once_wait_for_one_reading(
    verifier: TokenVerifier, server: IssuerServer, old: TokenSigner
) -> None:
    tokens = [old.issue(subject=f"caller {number}") for number in range(20)]
    callers = await asyncio.gather(*(verifier.authenticate(token) for token in tokens))
    assert len({caller.subject for caller in callers}) == 20
    assert server.requests == 1


async def never(_: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


def refuses(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


FAILURES: dict[str, Answer] = {
    "down": refuses,
    "slow": never,
    "an error": lambda _: httpx.Response(500, json={"keys": []}),
    "a redirect": lambda _: httpx.Response(302, headers={"Location": "https://elsewhere.test/"}),
    "garbage": lambda _: httpx.Response(200, content=b"\xff\x00<html>"),
    "another JSON": lambda _: httpx.Response(200, json=["keys"]),
    "no keys": lambda _: httpx.Response(200, json={"keys": []}),
    "huge": lambda _: httpx.Response(200, content=b'{"keys": [' + b" " * 300_000 + b"]}"),
    "compressed": lambda _: httpx.Response(
        200, content=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"}
    ),
    "deep": lambda _: httpx.Response(200, content=b"[" * 200_000),
    "symmetric": lambda _: httpx.Response(200, json={"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_while_keys_cannot_be_read_the_old_ones_stay_in_use(
    verifier: TokenVerifier,
    server: IssuerServer,
    old: TokenSigner,
    new: TokenSigner,
    clock: FixedClock,
    failure: str,
) -> None:
    await verifier.authenticate(old.issue())
    server.answer = FAILURES[failure]
    clock.advance(timedelta(seconds=10))
    with pytest.raises(UnauthenticatedError):
        await verifier.authenticate(new.issue())
    assert server.requests == 2
    assert (await verifier.authenticate(old.issue(subject="other"))).subject == "other"
    assert await verifier.keys.ready() is None


@pytest.mark.parametrize("failure", FAILURES)
async def test_without_keys_from_the_start_the_answer_is_503_until_they_come(
    verifier: TokenVerifier,
    server: IssuerServer,
    old: TokenSigner,
    clock: FixedClock,
    failure: str,
) -> None:
    working, server.answer = server.answer, FAILURES[failure]
    with pytest.raises(KeysMissingError):
        await verifier.authenticate(old.issue())
    assert "no keys of the token issuer" in (await verifier.keys.ready() or "")
    server.answer = working
    clock.advance(timedelta(seconds=1))
    assert (await verifier.authenticate(old.issue())).subject == "tester"
    assert await verifier.keys.ready() is None


async def test_the_ring_reads_by_itself_and_counts_failures(
    client: httpx.AsyncClient, server: IssuerServer, clock: FixedClock
) -> None:
    answered = asyncio.Event()

    def fails(request: httpx.Request) -> httpx.Response:
        answered.set()
        return refuses(request)

    registry = CollectorRegistry()
    server.answer = fails
    ring = KeyRing(UrlKeys(JWKS_URL, client), clock, registry=registry)
    running = asyncio.create_task(ring.run())
    await answered.wait()
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    failed = registry.get_sample_value("atmr_auth_key_readings_total", {"result": "failed"})
    assert failed == 1


async def test_a_file_that_is_replaced_is_read_again(
    tmp_path: Path, old: TokenSigner, new: TokenSigner, clock: FixedClock
) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(old.jwks()))
    ring = KeyRing(FileKeys(path), clock)
    verifier = TokenVerifier(issuer=ISSUER, audience="atmr", keys=ring, clock=clock)
    await verifier.authenticate(old.issue())
    path.write_text("half a f")
    with pytest.raises(UnauthenticatedError):
        await verifier.authenticate(new.issue())
    path.write_text(json.dumps(new.jwks()))
    clock.advance(timedelta(seconds=1))
    assert (await verifier.authenticate(new.issue())).subject == "tester"
    with pytest.raises(UnauthenticatedError):
        await verifier.authenticate(old.issue(subject="gone"))


class TestKeySet:
    def entry(self, **changes: Any) -> dict[str, Any]:
        return {**TokenSigner().jwks()["keys"][0], **changes}

    @pytest.mark.parametrize(
        "entry",
        [
            pytest.param({"alg": "HS256"}, id="an algorithm for secrets"),
            pytest.param({"alg": "PS256"}, id="another algorithm"),
            pytest.param({"use": "enc"}, id="for encryption"),
            pytest.param({"d": "AQAB"}, id="a private key"),
            pytest.param({"n": "AQAB"}, id="a modulus of three bytes"),
            pytest.param({"n": 5}, id="no text"),
            pytest.param({"kid": ["x"]}, id="a name that is no text"),
            pytest.param({"kty": "oct", "k": "c2VjcmV0"}, id="a secret"),
        ],
    )
    def test_a_key_that_is_not_for_us_is_left_out(self, entry: dict[str, Any]) -> None:
        unusable = self.entry(**({"kid": "bad"} | entry))
        keys = KeySet.parse({"keys": [unusable, "no key", self.entry()]})
        assert list(keys.by_id) == ["tests"]

    def test_a_weak_key_is_left_out(self) -> None:
        weak = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()  # noqa: S505 (that is the case)
        entry = RSAAlgorithm.to_jwk(weak, as_dict=True) | {"kid": "weak"}
        with pytest.raises(ValueError, match="no usable key"):
            KeySet.parse({"keys": [entry]})

    def test_a_key_that_does_not_say_its_algorithm_has_the_one_of_its_kind(self) -> None:
        entry = self.entry()
        del entry["alg"], entry["use"]
        curve = TokenSigner(algorithm=ES256)._key.public_key()
        also = ECAlgorithm.to_jwk(curve, as_dict=True) | {"kid": "curve"}  # type: ignore[arg-type]  # EC
        keys = KeySet.parse({"keys": [entry, also]})
        assert {key.algorithm_name for key in keys.by_id.values()} == {"RS256", "ES256"}

    def test_a_flood_of_keys_is_refused(self) -> None:
        with pytest.raises(ValueError, match="more than 64"):
            KeySet.parse({"keys": [self.entry(kid=str(number)) for number in range(65)]})


class TestDiscovery:
    def served(self, old: TokenSigner, **changes: Any) -> Answer:
        def answer(request: httpx.Request) -> httpx.Response:
            if request.url == JWKS_URL:
                return httpx.Response(200, json=old.jwks())
            assert request.url == f"{ISSUER}/.well-known/openid-configuration"
            return httpx.Response(200, json=DOCUMENT | changes)

        return answer

    def discovery(self, client: httpx.AsyncClient, clock: FixedClock) -> IssuerDiscovery:
        return IssuerDiscovery(issuer=ISSUER, url=well_known(ISSUER), client=client, clock=clock)

    async def test_the_issuer_itself_says_where_its_keys_are(
        self, client: httpx.AsyncClient, server: IssuerServer, old: TokenSigner, clock: FixedClock
    ) -> None:
        server.answer = self.served(old)
        ring = KeyRing(DiscoveredKeys(self.discovery(client, clock), client), clock)
        verifier = TokenVerifier(issuer=ISSUER, audience="atmr", keys=ring, clock=clock)
        assert (await verifier.authenticate(old.issue())).subject == "tester"

    async def test_what_it_said_last_holds_while_it_is_away(
        self, client: httpx.AsyncClient, server: IssuerServer, old: TokenSigner, clock: FixedClock
    ) -> None:
        server.answer = self.served(old)
        discovery = self.discovery(client, clock)
        first = await discovery.endpoints()
        server.answer = refuses
        clock.advance(timedelta(hours=2))
        assert await discovery.endpoints() == first
        assert server.requests == 2

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"issuer": "https://elsewhere.test"}, id="another issuer's"),
            pytest.param({"jwks_uri": "http://login.test/jwks"}, id="keys without encryption"),
            pytest.param({"token_endpoint": None}, id="no token endpoint"),
            pytest.param({"authorization_endpoint": "javascript:x"}, id="no URL"),
        ],
    )
    async def test_a_document_that_leads_elsewhere_is_refused(
        self,
        client: httpx.AsyncClient,
        server: IssuerServer,
        old: TokenSigner,
        clock: FixedClock,
        changes: dict[str, Any],
    ) -> None:
        server.answer = self.served(old, **changes)
        with pytest.raises(FetchError, match="the issuer's document"):
            await self.discovery(client, clock).endpoints()


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://login.test/x", True),
        ("http://127.0.0.1:8009/x", True),
        ("http://[::1]:8009/x", True),
        ("http://localhost/x", True),
        ("http://localhost.evil.test/x", False),
        ("http://login.test/x", False),
        ("file:///etc/passwd", False),
        ("//login.test", False),
        ("https://", False),
        ("http://[", False),
    ],
)
def test_secrets_travel_encrypted_or_not_at_all(url: str, safe: bool) -> None:  # noqa: FBT001 (a case)
    assert is_safe(url) is safe


class TestSettings:
    def settings(self, **values: Any) -> ServiceSettings:
        return ServiceSettings(_env_file=None, **values)

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({}, "Set ATMR_AUTH_ISSUER"),
            ({"auth_issuer": "atmr-development"}, "exists in standalone only"),
            ({"auth_issuer": "http://login.test"}, "Set ATMR_AUTH_JWKS_FILE or ATMR_AUTH_JWKS_URL"),
            (
                {"auth_issuer": ISSUER, "auth_jwks_file": "/nowhere/jwks.json"},
                "ATMR_AUTH_JWKS_FILE cannot be used: /nowhere/jwks.json cannot be read",
            ),
            ({"auth_issuer": ISSUER, "auth_client_id": "board"}, "set ATMR_PUBLIC_URL and"),
            (
                {
                    "auth_issuer": "here",
                    "auth_client_id": "board",
                    "auth_jwks_url": "https://login.test/jwks",
                },
                "set ATMR_AUTH_DISCOVERY_URL",
            ),
            (
                {
                    "auth_issuer": ISSUER,
                    "auth_client_id": "board",
                    "public_url": "http://board.test",
                    "auth_session_key_file": "/nowhere/key",
                },
                "ATMR_PUBLIC_URL must be https",
            ),
            (
                {
                    "auth_issuer": ISSUER,
                    "auth_client_id": "board",
                    "public_url": "https://board.test",
                    "auth_session_key_file": "/nowhere/key",
                },
                "ATMR_AUTH_SESSION_KEY_FILE cannot be read",
            ),
        ],
    )
    async def test_what_cannot_work_is_said_at_the_start(
        self, values: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(ConfigurationError) as error:
            build_identity(self.settings(**values), registry=CollectorRegistry())
        assert sentence in str(error.value)

    async def test_an_https_issuer_is_enough(self) -> None:
        identity = build_identity(self.settings(auth_issuer=ISSUER), registry=CollectorRegistry())
        assert identity.login is None
        assert await identity.verifier.keys.ready() is not None
        await identity.aclose()

    async def test_keys_that_are_handed_over_are_the_development_issuers(
        self, clock: FixedClock
    ) -> None:
        signer = TokenSigner(clock=clock)
        identity = build_identity(
            self.settings(), registry=CollectorRegistry(), jwks=signer.jwks(), clock=clock
        )
        assert identity.verifier.verify(signer.issue()).subject == "tester"
        await identity.aclose()

    @pytest.mark.parametrize("algorithms", ["none", "HS256", "RS256,HS256", "RS256, ES256", ""])
    def test_only_safe_algorithms_can_be_set(self, algorithms: str) -> None:
        with pytest.raises(ValueError, match="auth_algorithms"):
            self.settings(auth_algorithms=algorithms)
