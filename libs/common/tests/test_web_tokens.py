"""Tokens: what the verifier lets in, and everything that it must not."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from atmr_common.runtime.clock import FixedClock, SystemClock
from atmr_common.runtime.command_line import app
from atmr_common.web.identity import Identity, Role
from atmr_common.web.problems import UnauthenticatedError
from atmr_common.web.tokens import DEVELOPMENT_ISSUER, DevelopmentIssuer, TokenVerifier

COMPANY = UUID("0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10")


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentIssuer:
    return DevelopmentIssuer(tmp_path_factory.mktemp("issuer"), SystemClock())


@pytest.fixture(scope="module")
def verifier(issuer: DevelopmentIssuer) -> TokenVerifier:
    return TokenVerifier(issuer=DEVELOPMENT_ISSUER, audience="atmr", jwks=issuer.jwks())


def issue(issuer: DevelopmentIssuer, **changes: Any) -> str:
    claims = {
        "subject": "m.favre",
        "role": Role.DISPATCHER,
        "company_id": COMPANY,
        "audience": "atmr",
        "lifetime": timedelta(minutes=5),
    }
    return issuer.issue(**(claims | changes))


def test_a_good_token_tells_who_calls(issuer: DevelopmentIssuer, verifier: TokenVerifier) -> None:
    identity = verifier.verify(issue(issuer))
    assert identity == Identity(subject="m.favre", role=Role.DISPATCHER, company_id=COMPANY)


def test_the_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    first = DevelopmentIssuer(tmp_path, SystemClock()).jwks()
    assert DevelopmentIssuer(tmp_path, SystemClock()).jwks() == first
    assert (tmp_path / "development-issuer.pem").stat().st_mode & 0o077 == 0


def without_signature(token: str) -> str:
    header = {"alg": "none", "kid": DEVELOPMENT_ISSUER}
    return f"{encoded(json.dumps(header).encode())}.{token.split('.')[1]}."


def signed_with_the_public_key(issuer: DevelopmentIssuer) -> str:
    """Key confusion: HMAC with the public key, which everybody may know (made by hand)."""
    claims = {"iss": DEVELOPMENT_ISSUER, "aud": "atmr", "sub": "x", "role": "admin", "exp": 2**33}
    header = {"alg": "HS256", "typ": "JWT", "kid": DEVELOPMENT_ISSUER}
    text = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    public = (
        jwt.PyJWKSet.from_dict(issuer.jwks())
        .keys[0]
        .key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return f"{text}.{encoded(hmac.digest(public, text.encode(), 'sha256'))}"


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda i: issue(i, lifetime=timedelta(seconds=-1)), id="expired"),
        pytest.param(lambda i: issue(i, audience="another"), id="another audience"),
        pytest.param(lambda i: without_signature(issue(i)), id="alg none"),
        pytest.param(signed_with_the_public_key, id="key confusion"),
        pytest.param(lambda i: issue(i)[:-8] + "AAAAAAAA", id="another signature"),
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda _: "a.b.c", id="no token at all"),
    ],
)
def test_a_forged_token_is_refused(
    issuer: DevelopmentIssuer, verifier: TokenVerifier, forge: Any
) -> None:
    with pytest.raises(UnauthenticatedError):
        verifier.verify(forge(issuer))


def test_another_issuers_token_is_refused(issuer: DevelopmentIssuer, tmp_path: Path) -> None:
    stranger = DevelopmentIssuer(tmp_path, SystemClock())
    verifier = TokenVerifier(issuer=DEVELOPMENT_ISSUER, audience="atmr", jwks=issuer.jwks())
    with pytest.raises(UnauthenticatedError):
        verifier.verify(issue(stranger))
    named_otherwise = TokenVerifier(issuer="https://login", audience="atmr", jwks=issuer.jwks())
    with pytest.raises(UnauthenticatedError):
        named_otherwise.verify(issue(issuer))


def test_a_fixed_clock_decides_about_expiry(tmp_path: Path) -> None:
    past = DevelopmentIssuer(tmp_path, FixedClock(datetime(2020, 1, 1, tzinfo=UTC)))
    verifier = TokenVerifier(issuer=DEVELOPMENT_ISSUER, audience="atmr", jwks=past.jwks())
    with pytest.raises(UnauthenticatedError):
        verifier.verify(issue(past))


class TestCommand:
    def test_it_prints_a_token_that_verifies(self, tmp_path: Path) -> None:
        arguments = ["token", "--company", str(COMPANY), "--role", "clinic", "--json"]
        result = CliRunner().invoke(app, [*arguments, "--data", str(tmp_path)])
        issuer = DevelopmentIssuer(tmp_path, SystemClock())
        verifier = TokenVerifier(issuer=DEVELOPMENT_ISSUER, audience="atmr", jwks=issuer.jwks())
        identity = verifier.verify(json.loads(result.stdout)["token"])
        assert (identity.role, identity.company_id) == (Role.CLINIC, COMPANY)

    def test_a_dispatcher_needs_a_company(self, tmp_path: Path) -> None:
        result = CliRunner().invoke(app, ["token", "--data", str(tmp_path)])
        assert result.exit_code == 2
        assert "--company" in result.stderr

    def test_a_new_key_is_told_so_that_a_refused_token_is_no_riddle(self, tmp_path: Path) -> None:
        arguments = ["token", "--company", str(COMPANY), "--data", str(tmp_path)]
        first, second = (CliRunner().invoke(app, arguments) for _ in range(2))
        assert str(tmp_path) in first.stderr
        assert "--data" in first.stderr
        assert second.stderr == ""

    def test_the_data_folder_of_env_is_the_one_of_standalone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("ATMR_DATA", raising=False)
        monkeypatch.chdir(tmp_path)
        (tmp_path / ".env").write_text(f"ATMR_DATA={tmp_path / 'data'}\n")
        assert CliRunner().invoke(app, ["token", "--company", str(COMPANY)]).exit_code == 0
        assert [file.name for file in (tmp_path / "data").iterdir()] == ["development-issuer.pem"]

    @pytest.mark.parametrize("content", [None, b"no key"])
    def test_an_unusable_data_folder_is_named_with_the_remedy(
        self, tmp_path: Path, content: bytes | None
    ) -> None:
        folder = tmp_path / "data"
        if content is None:
            folder.write_bytes(b"a file")
        else:
            folder.mkdir()
            (folder / "development-issuer.pem").write_bytes(content)
        arguments = ["token", "--company", str(COMPANY), "--data", str(folder)]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 2
        assert str(folder) in result.stderr
        assert "ATMR_DATA" in result.stderr
        assert result.stdout == ""
