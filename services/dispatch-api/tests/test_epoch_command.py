"""`atmr epoch` on a migrated database."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from dispatch_api.epoch_command import app


@pytest.fixture
def environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)


def epochs(*arguments: str) -> list[dict[str, object]]:
    answer = CliRunner().invoke(app, [*arguments, "--json"])
    assert answer.exit_code == 0, answer.output
    found: list[dict[str, object]] = json.loads(answer.output)["epochs"]
    return found


@pytest.mark.usefixtures("environment")
def test_a_restore_begins_the_next_epoch() -> None:
    assert [each["number"] for each in epochs("show")] == [1]
    [begun] = epochs("advance", "--reason", "restored from Monday's backup")
    assert (begun["number"], begun["reason"]) == (2, "restored from Monday's backup")
    assert [each["number"] for each in epochs("show")] == [1, 2]


@pytest.mark.usefixtures("environment")
def test_for_people_it_is_a_line_each() -> None:
    answer = CliRunner().invoke(app, ["show"])
    assert answer.output.startswith("   1  ")
    assert "first life" in answer.output


@pytest.mark.usefixtures("environment")
def test_a_reason_is_asked_for() -> None:
    answer = CliRunner().invoke(app, ["advance", "--reason", " "])
    assert (answer.exit_code, answer.output) == (1, "an epoch needs a reason\n")


def test_a_database_that_is_away_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    answer = CliRunner().invoke(app, ["show"])
    assert answer.exit_code == 1
    assert "DATABASE_URL" in answer.output
    assert "Traceback" not in answer.output
