"""Tokens: what the verifier lets in, what it must not, and for how long it remembers."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from support.tokens import ES256, TokenSigner

from atmr_common.runtime.clock import FixedClock
from atmr_common.web.identity import Identity, Role
from atmr_common.web.key_ring import KeyRing
from atmr_common.web.key_sources import GivenKeys
from atmr_common.web.problems import UnauthenticatedError
from atmr_common.web.scopes import SCOPES_OF, Scope
from atmr_common.web.tokens import KeysMissingError, TokenVerifier, UnknownKeyError
from atmr_common.web.verified_tokens import VerifiedTokens

COMPANY = UUID("0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10")
ISSUER = "https://login.test/"
NOW = datetime(2026, 3, 16, 6, 0, tzinfo=UTC)


def verifier_of(
    *signers: TokenSigner, clock: FixedClock | None = None, algorithms: tuple[str, ...] = ("RS256",)
) -> TokenVerifier:
    clock = clock or FixedClock(NOW)
    keys = {"keys": [key for signer in signers for key in signer.jwks()["keys"]]}
    ring = KeyRing(GivenKeys(keys), clock)
    ring.take(keys)
    return TokenVerifier(
        issuer=ISSUER, audience="atmr", keys=ring, algorithms=algorithms, clock=clock
    )


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def signer(clock: FixedClock) -> TokenSigner:
    return TokenSigner(issuer=ISSUER, clock=clock)


@pytest.fixture
def verifier(signer: TokenSigner, clock: FixedClock) -> TokenVerifier:
    return verifier_of(signer, clock=clock)


def test_a_good_token_tells_who_calls(signer: TokenSigner, verifier: TokenVerifier) -> None:
    identity = verifier.verify(signer.issue(subject="m.favre", company_id=COMPANY))
    assert identity == Identity(
        subject="m.favre",
        role=Role.DISPATCHER,
        company_id=COMPANY,
        granted=SCOPES_OF[Role.DISPATCHER],
    )


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def by_hand(header: dict[str, Any], token: str, signature: str = "") -> str:
    return f"{encoded(json.dumps(header).encode())}.{token.split('.')[1]}.{signature}"


def signed_with_the_public_key(signer: TokenSigner) -> str:
    """Key confusion: HMAC with the public key, which everybody may know (made by hand)."""
    text = by_hand({"alg": "HS256", "kid": signer.key_id}, signer.issue()).rpartition(".")[0]
    public = jwt.PyJWKSet.from_dict(signer.jwks()).keys[0].key
    secret = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return f"{text}.{encoded(hmac.digest(secret, text.encode(), 'sha256'))}"


def deep(signer: TokenSigner) -> str:
    header = encoded(b'{"alg":"RS256","kid":' + b"[" * 5_000)
    return f"{header}.{'.'.join(signer.issue().split('.')[1:])}"


ONE_MINUTE = timedelta(minutes=1)
FORGERIES: dict[str, Callable[[TokenSigner], str]] = {
    "expired": lambda s: s.issue(lifetime=-ONE_MINUTE),
    "not valid yet": lambda s: s.issue(nbf=NOW + ONE_MINUTE),
    "issued in the future": lambda s: s.issue(iat=NOW + ONE_MINUTE),
    "another audience": lambda s: s.issue(audience="another"),
    "another issuer": lambda s: s.issue(iss="https://elsewhere.test/"),
    "alg none": lambda s: by_hand({"alg": "none", "kid": s.key_id}, s.issue()),
    "alg none in capitals": lambda s: by_hand({"alg": "None", "kid": s.key_id}, s.issue()),
    "key confusion": signed_with_the_public_key,
    "another signature": lambda s: s.issue()[:-8] + "AAAAAAAA",
    "a stranger's key under our name": lambda s: TokenSigner(issuer=ISSUER, key_id="stranger").sign(
        jwt.decode(s.issue(), options={"verify_signature": False}), kid=s.key_id
    ),
    "an embedded key": lambda _: TokenSigner(issuer=ISSUER, key_id="stranger").sign(
        {"sub": "x"}, jwk=TokenSigner(key_id="stranger").jwks()["keys"][0]
    ),
    "a critical header that we do not know": lambda s: s.sign(
        {"sub": "x"}, crit=["exp-seconds"], **{"exp-seconds": 1}
    ),
    "empty": lambda _: "",
    "no token at all": lambda _: "a.b.c",
    "half a character": lambda _: "\ud800",
    "huge": lambda s: s.issue(subject="x", pad="y" * 20_000),
    "deep": deep,
    "no expiry": lambda s: s.sign({"iss": ISSUER, "aud": "atmr", "sub": "x", "role": "admin"}),
    "an endless expiry": lambda s: s.issue(exp=float("inf")),
    "an expiry in words": lambda s: s.issue(exp="tomorrow"),
    "an unknown role": lambda s: s.issue(claims={"role": "king"}),
    "no company's id": lambda s: s.issue(claims={"company_id": "lac"}),
    "a company that is a list": lambda s: s.issue(claims={"company_id": [str(COMPANY)]}),
    "a subject with a NUL": lambda s: s.issue(sub="a\x00b"),
    "a subject longer than a column": lambda s: s.issue(sub="a" * 201),
    "an empty subject": lambda s: s.issue(sub=""),
    "scopes as a list": lambda s: s.issue(scope=["bookings:read"]),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_refused(signer: TokenSigner, verifier: TokenVerifier, name: str) -> None:
    token = FORGERIES[name](signer)
    for _ in range(2):  # a refusal is not remembered as anything else
        with pytest.raises(UnauthenticatedError) as refusal:
            verifier.verify(token)
        assert refusal.value.detail == "The bearer token is not valid or has expired."


def test_clocks_may_differ_by_seconds(signer: TokenSigner, verifier: TokenVerifier) -> None:
    verifier.verify(signer.issue(lifetime=timedelta(seconds=-3)))
    verifier.verify(signer.issue(nbf=NOW + timedelta(seconds=3)))


def test_an_unknown_key_is_told_apart_so_that_keys_are_read_again(
    verifier: TokenVerifier,
) -> None:
    with pytest.raises(UnknownKeyError):
        verifier.verify(TokenSigner(issuer=ISSUER, key_id="new").issue())


def test_without_any_keys_the_service_is_to_blame_and_not_the_token(clock: FixedClock) -> None:
    ring = KeyRing(GivenKeys({}), clock)
    verifier = TokenVerifier(issuer=ISSUER, audience="atmr", keys=ring, clock=clock)
    with pytest.raises(KeysMissingError) as refusal:
        verifier.verify("a.b.c")
    assert refusal.value.status == 503


def without_kid(signer: TokenSigner) -> str:
    claims = jwt.decode(signer.issue(), options={"verify_signature": False})
    return jwt.encode(claims, signer._key, "RS256")


def test_a_token_without_kid_means_the_only_key(
    signer: TokenSigner, verifier: TokenVerifier, clock: FixedClock
) -> None:
    assert verifier.verify(without_kid(signer)).subject == "tester"
    two = verifier_of(signer, TokenSigner(issuer=ISSUER, key_id="second"), clock=clock)
    with pytest.raises(UnauthenticatedError):
        two.verify(without_kid(signer))


def test_es256_is_taken_where_it_is_allowed_only(clock: FixedClock) -> None:
    signer = TokenSigner(issuer=ISSUER, algorithm=ES256, clock=clock)
    token = signer.issue()
    assert verifier_of(signer, clock=clock, algorithms=("RS256", "ES256")).verify(token)
    with pytest.raises(UnauthenticatedError):
        verifier_of(signer, clock=clock).verify(token)


class TestMemory:
    def test_a_signature_is_checked_once_a_minute(
        self,
        signer: TokenSigner,
        verifier: TokenVerifier,
        clock: FixedClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        token = signer.issue()
        checks = []
        decode = jwt.decode
        monkeypatch.setattr(jwt, "decode", lambda *a, **k: checks.append(1) or decode(*a, **k))
        assert verifier.verify(token) is verifier.verify(token)
        assert len(checks) == 1
        clock.advance(timedelta(seconds=60))
        verifier.verify(token)
        assert len(checks) == 2

    def test_an_expired_token_is_forgotten(
        self, signer: TokenSigner, verifier: TokenVerifier, clock: FixedClock
    ) -> None:
        token = signer.issue(lifetime=timedelta(seconds=20))
        verifier.verify(token)
        clock.advance(timedelta(seconds=26))
        with pytest.raises(UnauthenticatedError):
            verifier.verify(token)

    def test_a_withdrawn_key_takes_its_tokens_along(
        self, signer: TokenSigner, verifier: TokenVerifier
    ) -> None:
        token = signer.issue()
        verifier.verify(token)
        verifier.keys.take(TokenSigner(issuer=ISSUER, key_id="next").jwks())
        with pytest.raises(UnauthenticatedError):
            verifier.verify(token)

    @given(st.lists(st.integers(0, 9), max_size=60))
    def test_it_holds_so_many_and_the_latest(self, uses: list[int]) -> None:
        tokens = VerifiedTokens(most=3)
        who = Identity(subject="x", role=Role.ADMIN, company_id=None, granted=frozenset())
        for use in uses:
            tokens.put(bytes([use]), who, now=0, expires=9)
        recent = list(dict.fromkeys(reversed(uses)))
        assert len(tokens) == min(3, len(recent))
        assert all(tokens.get(bytes([use]), 1) for use in recent[:3])


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        pytest.param({}, SCOPES_OF[Role.DISPATCHER], id="none: all of the role"),
        pytest.param({"scope": "bookings:read"}, {Scope.BOOKINGS_READ}, id="one"),
        pytest.param({"scope": "company:admin plans:read"}, {Scope.PLANS_READ}, id="no more"),
        pytest.param({"scope": ""}, set(), id="empty: nothing"),
        pytest.param({"scope": "openid profile"}, SCOPES_OF[Role.DISPATCHER], id="a login's"),
        pytest.param({"scope": "openid plans:read"}, {Scope.PLANS_READ}, id="a login's and ours"),
        pytest.param({"scope": "read:everything"}, set(), id="a stranger's"),
    ],
)
def test_scopes_of_a_token_are_at_most_its_roles(
    signer: TokenSigner, verifier: TokenVerifier, claim: dict[str, str], expected: set[Scope]
) -> None:
    assert verifier.verify(signer.issue(**claim)).granted == frozenset(expected)
