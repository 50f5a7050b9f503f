"""The issuer of the tokens of standalone, and a key that an interrupted write has damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from atmr_common.runtime.clock import SystemClock
from standalone.errors import StartError
from standalone.issuer.signing import development_issuer


def test_the_key_is_kept_and_nothing_else_is_left(tmp_path: Path) -> None:
    first, second = (development_issuer(tmp_path, SystemClock()).jwks() for _ in range(2))
    assert first == second
    assert [file.name for file in tmp_path.iterdir()] == ["development-issuer.pem"]


def test_a_damaged_key_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "development-issuer.pem").touch()
    with pytest.raises(StartError, match=r"development-issuer\.pem is damaged: remove it"):
        development_issuer(tmp_path, SystemClock())
