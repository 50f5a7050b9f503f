"""Clock, identifiers, data folder and the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from atmr_common.runtime.clock import FixedClock, SystemClock
from atmr_common.runtime.command_line import app
from atmr_common.runtime.data_folder import default_data_folder
from atmr_common.runtime.identifiers import new_id


def test_identifiers_are_version_7_and_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = []
    for milliseconds in range(1_000, 1_050):
        monkeypatch.setattr("time.time_ns", lambda now=milliseconds: now * 1_000_000)
        ids.append(new_id())
    assert ids == sorted(ids)
    assert {identifier.version for identifier in ids} == {7}
    assert {identifier.variant for identifier in ids} == {"specified in RFC 4122"}
    assert ids[0].int >> 80 == 1_000


def test_identifiers_of_one_moment_differ() -> None:
    assert len({new_id() for _ in range(1_000)}) == 1_000


def test_clocks_are_aware() -> None:
    assert SystemClock().now().tzinfo is UTC
    clock = FixedClock(datetime(2026, 3, 29, 1, 0, tzinfo=UTC))
    clock.advance(timedelta(hours=2))
    assert clock.now() == datetime(2026, 3, 29, 3, 0, tzinfo=UTC)
    with pytest.raises(ValueError, match="aware"):
        FixedClock(datetime(2026, 3, 29, 1, 0))  # noqa: DTZ001 (naive on purpose)


def test_the_data_folder_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ATMR_DATA", str(tmp_path))
    assert default_data_folder() == tmp_path
    monkeypatch.delenv("ATMR_DATA")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_data_folder() == Path("/var/lib/atmr")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_data_folder() == tmp_path / "atmr"


class TestCommandLine:
    def test_help_lists_the_installed_commands(self) -> None:
        result = CliRunner().invoke(app, ["--help"])
        assert result.exit_code == 0
        for name in ("demo", "import", "openapi", "plan", "serve", "token"):
            assert name in result.stdout

    def test_version(self) -> None:
        assert CliRunner().invoke(app, ["--version"]).stdout.startswith("atmr 0.")

    def test_an_unknown_command_is_named(self) -> None:
        result = CliRunner().invoke(app, ["fly"])
        assert result.exit_code == 2
        assert "fly" in result.stderr

    def test_an_unknown_service_is_named_with_those_installed(self) -> None:
        result = CliRunner().invoke(app, ["serve", "teapot"])
        assert result.exit_code == 2
        assert "dispatch-api" in result.stderr
