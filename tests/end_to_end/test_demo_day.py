"""`atmr demo` as a person runs it: everything started, a day loaded, planned, printed, stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support.processes import servers_in

from atmr_engine.formats.day import Day
from standalone.demo.options import ZONE, DemoOptions

BOOKINGS, DUTIES, SEED = 12, 3, 5
ATMR = Path(sys.executable).with_name("atmr")


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """A folder that root's PostgreSQL account may enter, as pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="atmr-demo-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name) / "data"


def _demo(data: Path, *more: str, day: str = "2026-03-12") -> subprocess.CompletedProcess[str]:
    sizes = ("--bookings", str(BOOKINGS), "--duties", str(DUTIES), "--seed", str(SEED))
    command = [str(ATMR), "demo", "--once", "--data", str(data), "--port", "0", *sizes, *more]
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [*command, "--date", day, "--seconds", "0.2"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment,
    )


@pytest.fixture(scope="module")
def first(data: Path) -> dict[str, Any]:
    ended = _demo(data, "--json")
    assert ended.returncode == 0, ended.stderr
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def _generated() -> Day:
    options = DemoOptions(
        day=date(2026, 3, 12),
        bookings=BOOKINGS,
        duties=DUTIES,
        seed=SEED,
        solver_seconds=0,
        data=None,
        port=None,
    )
    return options.synthetic_day()


def test_every_booking_is_served_or_has_a_reason(first: dict[str, Any]) -> None:
    stops = [stop for route in first["routes"] for stop in route["stops"]]
    served = {stop["booking"] for stop in stops if stop["kind"] == "pickup"}
    left = {each["booking"] for each in (*first["unserved"], *first["held"])}
    assert served | left == {booking.id for booking in _generated().bookings}
    assert not served & left
    assert served, "a day on which nobody is driven shows nothing"
    assert all(each["reason"] for each in (*first["unserved"], *first["held"]))
    assert first["kpis"]["served"] == len(served)


def test_the_routes_have_the_days_drivers_and_local_times(first: dict[str, Any]) -> None:
    duties = {duty.id: duty for duty in _generated().duties}
    for route in first["routes"]:
        duty = duties[route["duty"]]
        assert (route["driver"], route["vehicle"]) == (duty.driver, duty.vehicle)
        times = [stop["begin"] for stop in route["stops"]]
        assert times == sorted(times)
        assert all(time.endswith("+01:00") for time in times)
    assert first["zone"] == ZONE.key


def test_it_says_that_it_is_synthetic(first: dict[str, Any]) -> None:
    assert first["synthetic"] is True
    assert first["reused"] is False


def test_nothing_runs_on_afterwards(first: dict[str, Any], data: Path) -> None:
    assert first["plan_version"] == 1
    assert servers_in(data / "postgres" / "cluster") == []


def test_a_second_run_finds_company_day_and_plan_again(first: dict[str, Any], data: Path) -> None:
    ended = _demo(data, "--json")
    assert ended.returncode == 0, ended.stderr
    again = json.loads(ended.stdout)
    assert again.pop("reused") is True
    del again["urls"]
    assert again == {name: first[name] for name in again}


def test_the_next_day_is_planned_for_the_same_company(first: dict[str, Any], data: Path) -> None:
    ended = _demo(data, "--json", day="2026-03-13")
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    assert answer["company_id"] == first["company_id"]
    assert answer["reused"] is False
    assert answer["kpis"]["served"] > 0


def test_people_get_tables_reasons_and_where_to_go_on(first: dict[str, Any], data: Path) -> None:
    ended = _demo(data)
    assert ended.returncode == 0, ended.stderr
    said = ended.stdout
    assert "A SYNTHETIC day" in said
    driven = next(route for route in first["routes"] if route["stops"])
    assert driven["driver"].removeprefix("SYNTHETIC-") in said
    assert f"{first['kpis']['served']} of {first['kpis']['requests']}" in said
    assert "/docs" in said
    assert f"atmr token --company {first['company_id']} --data {data}" in said
    assert "\x1b" not in said, "no colours where there is no terminal"
