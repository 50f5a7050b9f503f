"""The demo's parts that need no server."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from rich.console import Console

from atmr_engine.formats.day import Day
from standalone.demo.company import remembered_companies
from standalone.demo.errors import DemoError
from standalone.demo.options import DemoOptions
from standalone.demo.planned_day import PlannedDay, join
from standalone.demo.progress import Progress

COMPANY = UUID(int=7)
OPTIONS = DemoOptions(
    day=date(2026, 3, 12),
    bookings=6,
    duties=1,
    seed=3,
    solver_seconds=0,
    data=None,
    port=None,
)


def _joined(day: Day) -> PlannedDay:
    booking, duty = day.bookings[0], day.duties[0]
    stops = [
        {"kind": kind, "booking_id": of, "place_id": None}
        | dict.fromkeys(("arrival_at", "begin_at", "end_at"), f"2026-03-12T0{hour}:00:00Z")
        for kind, of, hour in [("start", None, 6), ("pickup", "b", 7), ("dropoff", "b", 8)]
    ]
    plan = {
        "version": 4,
        "routes": [{"duty_id": "d", "stops": stops}],
        "summary": {
            "objective": 12.5,
            "kpis": {},
            "source": "search",
            "travel_source": "great_circle",
            "degraded": None,
            "unserved": [{"booking_id": "u", "rule": "capacity", "reason": "no stretcher"}],
            "held": [{"booking_id": "unknown", "rule": None, "reason": "not ready"}],
        },
    }
    bookings = [
        {"id": "b", "reference": booking.id},
        {"id": "u", "reference": day.bookings[1].id},
    ]
    return join(day, COMPANY, plan, bookings, [{"id": "d", "name": duty.id}], reused=False)


def test_a_plan_is_told_in_the_days_own_names_and_local_time() -> None:
    day = OPTIONS.synthetic_day()
    booking = day.bookings[0]
    (route,) = _joined(day).routes
    assert (route.duty, route.driver) == (day.duties[0].id, day.duties[0].driver)
    start, pickup, dropoff = route.stops
    assert f"{pickup.begin:%H:%M %z}" == "08:00 +0100"
    assert (pickup.place, dropoff.place) == (booking.pickup.label, booking.dropoff.label)
    assert pickup.patient_ref == booking.patient_ref
    riders = 1 + booking.companions
    assert [start.riders, pickup.riders, dropoff.riders] == [0, riders, 0]


def test_what_is_left_out_carries_its_reason() -> None:
    day = OPTIONS.synthetic_day()
    planned = _joined(day).as_json({"dispatch-api": "http://x"})
    assert planned["unserved"] == [
        {"booking": day.bookings[1].id, "rule": "capacity", "reason": "no stretcher"}
    ]
    assert planned["held"] == [{"booking": "unknown", "rule": "", "reason": "not ready"}]
    assert planned["vehicles"] == 1
    assert planned["synthetic"] is True


def test_demos_of_other_sizes_are_other_companies_and_say_that_they_are_synthetic() -> None:
    others = [OPTIONS, replace(OPTIONS, bookings=7), replace(OPTIONS, duties=2)]
    others.append(replace(OPTIONS, seed=4))
    names = {options.company_name for options in others}
    assert len(names) == len(others)
    assert all(name.startswith("SYNTHETIC") for name in names)


def test_without_a_terminal_progress_is_plain_lines() -> None:
    out = io.StringIO()
    with Progress(Console(file=out)) as progress:
        progress("first")
        progress("second")
    assert out.getvalue() == "first\nsecond\n"


def test_on_a_terminal_the_moving_line_is_gone_after_the_pause() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True)
    with Progress(console) as progress:
        progress("first")
        progress.pause()
        console.print("result")
    assert out.getvalue().rstrip().endswith("result")


def test_the_command_imports_nothing_heavy_before_it_is_called() -> None:
    code = (
        "import sys, standalone.demo.command\n"
        "print(sorted({'numba', 'fastapi', 'sqlalchemy', 'uvicorn'} & set(sys.modules)))"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"


def test_a_damaged_memory_of_companies_is_named_with_the_remedy(tmp_path: Path) -> None:
    memory = tmp_path / "demo-companies.json"
    assert remembered_companies(memory) == {}
    memory.write_text("{cut of")
    with pytest.raises(DemoError, match=r"demo-companies\.json is damaged: remove it"):
        remembered_companies(memory)
