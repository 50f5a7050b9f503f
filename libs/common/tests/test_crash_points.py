"""Crash points: exactly where armed, never where they are not, and never in production."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from support.processes import PATIENCE_S, python_program

from atmr_common.runtime import crash_points
from atmr_common.runtime.crash_points import POINTS, RELAY_DELETED, RELAY_PUBLISHED, CrashPoints
from atmr_common.runtime.service_process import ConfigurationError

PROGRAM = """
import sys
from atmr_common.observability.logs import configure_logs
from atmr_common.runtime.crash_points import CrashPoints
configure_logs()
crash = CrashPoints.from_setting(sys.argv[1], environment="chaos")
crash("relay.deleted")
print("after the first", flush=True)
crash("relay.published")
print("after the second", flush=True)
"""


class Killed(BaseException):
    """Stands for SIGKILL within a test's own process."""


@pytest.fixture
def survivable(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(pid: int, number: int) -> None:
        assert number == signal.SIGKILL
        assert pid > 0
        raise Killed

    monkeypatch.setattr("os.kill", kill)


def test_an_armed_point_kills_the_process_there_and_nowhere_else() -> None:
    with python_program(PROGRAM, "relay.published") as process:
        said, logged = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == -signal.SIGKILL
    assert said == "after the first\n"
    assert "CRASH POINTS ARE ARMED" in logged
    assert "crash point reached" in logged


@pytest.mark.usefixtures("survivable")
def test_without_a_setting_nothing_is_armed() -> None:
    crash = CrashPoints.from_setting(" ", environment="production")
    for point in POINTS:
        crash(point)
    assert crash.chances == {}


def kills(crash: CrashPoints, point: str, times: int) -> list[int]:
    found = []
    for number in range(times):
        try:
            crash(point)
        except Killed:
            found.append(number)
    return found


@pytest.mark.usefixtures("survivable")
def test_chances_are_those_of_the_setting_and_follow_the_seed() -> None:
    text = "relay.published:0.1, relay.deleted@7"
    first, again, other = (
        CrashPoints.from_setting(setting, environment="test")
        for setting in (text, text, text.replace("@7", "@8"))
    )
    struck = kills(first, RELAY_PUBLISHED, 1_000)
    assert 60 < len(struck) < 140
    assert struck == kills(again, RELAY_PUBLISHED, 1_000) != kills(other, RELAY_PUBLISHED, 1_000)
    assert len(kills(first, RELAY_DELETED, 5)) == 5


@pytest.mark.parametrize("environment", ["production", "", "staging"])
def test_production_cannot_be_armed(environment: str) -> None:
    with pytest.raises(ConfigurationError, match="remove ATMR_CRASH_AT"):
        CrashPoints.from_setting("relay.published", environment=environment)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("relay.publishd", "no point 'relay.publishd'; known are relay.published, "),
        ("relay.published,,", "no point ''"),
        ("relay.published:0", "probability of relay.published is '0'"),
        ("relay.published:1.5", "above 0 and up to 1"),
        ("relay.published:nan", "above 0 and up to 1"),
        ("relay.published:often", "'often'"),
        ("relay.published@x", "seed 'x'"),
    ],
)
def test_a_wrong_setting_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        CrashPoints.from_setting(text, environment="test")
    assert sentence in str(refused.value)


def test_each_name_has_one_constant() -> None:
    names = {
        value
        for name, value in vars(crash_points).items()
        if name.isupper() and isinstance(value, str)
    }
    assert names == set(POINTS)


def test_the_documentation_names_every_point_and_its_moment() -> None:
    page = Path(__file__).parents[3] / "docs" / "observability.md"
    text = page.read_text(encoding="utf-8")
    assert [
        point for point, moment in POINTS.items() if f"| `{point}` | {moment}" not in text
    ] == []
