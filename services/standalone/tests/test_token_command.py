"""`atmr token`: a token for trying the API, from the data folder of the standalone that runs."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner

from atmr_common.runtime.clock import SystemClock
from atmr_common.runtime.command_line import app
from atmr_common.web.identity import Identity, Role
from atmr_common.web.key_ring import KeyRing
from atmr_common.web.key_sources import GivenKeys
from atmr_common.web.scopes import Scope
from atmr_common.web.tokens import DEVELOPMENT_ISSUER, TokenVerifier
from standalone.issuer.signing import DevelopmentIssuer

COMPANY = UUID("0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10")


def verified(token: str, data: Path) -> Identity:
    """The caller, as the standalone on this data folder sees it."""
    jwks = DevelopmentIssuer(data, SystemClock()).jwks()
    ring = KeyRing(GivenKeys(jwks), SystemClock())
    ring.take(jwks)
    return TokenVerifier(issuer=DEVELOPMENT_ISSUER, audience="atmr", keys=ring).verify(token)


def test_it_prints_a_token_that_verifies(tmp_path: Path) -> None:
    arguments = ["token", "--company", str(COMPANY), "--role", "clinic", "--json"]
    result = CliRunner().invoke(app, [*arguments, "--data", str(tmp_path)])
    identity = verified(json.loads(result.stdout)["token"], tmp_path)
    assert (identity.role, identity.company_id) == (Role.CLINIC, COMPANY)


def test_a_token_may_be_for_less(tmp_path: Path) -> None:
    arguments = ["token", "--company", str(COMPANY), "--scope", "plans:read"]
    result = CliRunner().invoke(app, [*arguments, "--data", str(tmp_path)])
    assert verified(result.stdout.strip(), tmp_path).granted == {Scope.PLANS_READ}


def test_a_dispatcher_needs_a_company(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["token", "--data", str(tmp_path)])
    assert result.exit_code == 2
    assert "--company" in result.stderr


def test_a_new_key_is_told_so_that_a_refused_token_is_no_riddle(tmp_path: Path) -> None:
    arguments = ["token", "--company", str(COMPANY), "--data", str(tmp_path)]
    first, second = (CliRunner().invoke(app, arguments) for _ in range(2))
    assert str(tmp_path) in first.stderr
    assert "--data" in first.stderr
    assert second.stderr == ""


def test_the_data_folder_of_env_is_the_one_of_standalone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ATMR_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"ATMR_DATA={tmp_path / 'data'}\n")
    assert CliRunner().invoke(app, ["token", "--company", str(COMPANY)]).exit_code == 0
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["development-issuer.pem"]


@pytest.mark.parametrize("content", [None, b"no key"])
def test_an_unusable_data_folder_is_named_with_the_remedy(
    tmp_path: Path, content: bytes | None
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
