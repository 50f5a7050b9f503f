"""Results of driven days: they follow from the record alone, and agree with docs/kpi.md."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from atmr_engine import Budget, Plan, Problem, Weights, solve
from atmr_engine.simulate.comparison import (
    DayFigures,
    estimate,
    estimates,
    paired_differences,
    student_quantile,
)
from atmr_engine.simulate.conduct import Conduct
from atmr_engine.simulate.day_state import Standing
from atmr_engine.simulate.events import Event, EventKind, RecordError, as_lines, from_lines
from atmr_engine.simulate.execution import drive
from atmr_engine.simulate.foresight import drive_foreseen, leg_times_s, met_times_s, rank
from atmr_engine.simulate.noise import Noise
from atmr_engine.simulate.policies import Follow, Insert, Repair
from atmr_engine.simulate.replay import replay
from atmr_engine.simulate.results import results
from atmr_engine.simulate.rich_problems import RichDay, rich_problem
from atmr_engine.simulate.truth import ALWAYS, Truth, realise

NOISE = Noise(same_day_bookings=0.3, no_shows=0.1, breakdowns=0.1, incidents=1.0)


@cache
def world(seed: int) -> tuple[Truth, Plan]:
    day = rich_problem(RichDay(20, 6, size_km=5.0), seed, Weights())
    truth = realise(day, NOISE, seed, will_call=frozenset({"back1", "back7"}))
    known = tuple(r for r in day.requests if truth.of(r.id).booked_s == ALWAYS)
    return truth, solve(replace(day, requests=known), Budget(iterations=50), seed)


@cache
def record_of(seed: int) -> tuple[Problem, list[Event]]:
    truth, plan = world(seed)
    return truth.problem, drive(truth, truth.problem, plan, Insert())


@pytest.mark.parametrize("seed", range(5))
def test_a_recorded_day_gives_the_same_results_again(seed: int) -> None:
    problem, record = record_of(seed)
    lines = list(as_lines(record))
    assert from_lines(lines) == record
    assert replay(problem, lines).requests == results(problem, record).requests
    again = replay(problem, [*lines, "", "\n"])
    live = results(problem, record)
    assert (again.requests, again.duties, again.plan) == (live.requests, live.duties, live.plan)
    assert again.kpis() == live.kpis()
    assert all(set(json.loads(line)) >= {"at_s", "kind"} for line in lines)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: is no event"),
        ("[]", "line 2: is no event"),
        ('{"at_s": 9e9, "kind": "vanished"}', "vanished"),
        ('{"at_s": 9e9, "kind": "told", "who": 1}', "who"),
        ('{"at_s": "noon", "kind": "told"}', "noon"),
        ('{"at_s": NaN, "kind": "told"}', "nan"),
        ('{"at_s": 1.0, "kind": "told"}', "goes back"),
        ('{"at_s": 9e9, "kind": "told", "request": "nobody"}', "no request 'nobody'"),
        ('{"at_s": 9e9, "kind": "departed", "duty": "none"}', "no duty 'none'"),
    ],
)
def test_a_line_that_is_wrong_is_named(line: str, message: str) -> None:
    problem, record = record_of(0)
    first = next(iter(as_lines(record)))
    with pytest.raises(RecordError, match=message) as refused:
        replay(problem, [first, line])
    assert refused.value.line == 2


@pytest.mark.parametrize("seed", range(8))
def test_sums_over_the_requests_are_the_key_figures(seed: int) -> None:
    problem, record = record_of(seed)
    day = results(problem, record)
    kpis = day.kpis()
    served = [r for r in day.requests if r.outcome is Standing.SERVED]
    assert kpis.requests == len(day.requests)
    assert kpis.served == len(served)
    assert kpis.pickups_on_time == sum(bool(r.pickup_on_time) for r in served)
    assert kpis.appointments == sum(r.appointment_on_time is not None for r in served)
    assert kpis.appointments_on_time == sum(bool(r.appointment_on_time) for r in served)
    assert kpis.working_min == pytest.approx(sum(d.working_s for d in day.duties) / 60)
    assert kpis.overtime_min == pytest.approx(sum(d.overtime_s for d in day.duties) / 60)
    assert kpis.worst_lateness_min * 60 <= max(r.late_s or 0.0 for r in served) + 1e-6
    figures = DayFigures.of(day)
    assert figures.duty_hours == pytest.approx(kpis.working_min / 60)
    wanted = [r for r in day.requests if r.outcome in {Standing.SERVED, Standing.UNSERVED}]
    assert figures.unserved == pytest.approx(1 - len(served) / len(wanted))


def moved_under(conduct: Conduct) -> list[Event]:
    """The told times that repairs moved on a few days."""
    moved = []
    for seed in range(5):
        truth, plan = world(seed)
        record = drive(truth, truth.problem, plan, Repair(budget=Budget(iterations=60)), conduct)
        day = results(truth.problem, record, conduct)
        assert day.refused == 0
        moved += [event for event in record if event.kind is EventKind.MOVED]
        assert day.moved == sum(event.kind is EventKind.MOVED for event in record)
    return moved


def test_told_times_move_only_where_they_may() -> None:
    assert moved_under(Conduct()) == []
    assert moved_under(Conduct(told_slack_s=3600.0))


@pytest.mark.parametrize("seed", range(4))
def test_foresight_is_at_least_as_good_as_following_a_plan(seed: int) -> None:
    truth, plan = world(seed)
    followed = results(truth.problem, drive(truth, truth.problem, plan, Follow()))
    seen = results(truth.problem, drive_foreseen(truth, Budget(iterations=100), seed))
    assert rank(DayFigures.of(seen)) <= rank(DayFigures.of(followed))
    assert seen.refused == 0
    for result in seen.requests:
        facts = truth.of(result.request)
        if not facts.shows_up and facts.cancelled_s is None:
            assert result.outcome in {Standing.NO_SHOW, Standing.HELD, Standing.CANCELLED}
    assert sum(r.outcome is Standing.NO_SHOW for r in seen.requests) >= sum(
        r.outcome is Standing.NO_SHOW for r in followed.requests
    )


def test_foresight_learns_what_driven_legs_took() -> None:
    truth, plan = world(1)
    record = drive(truth, truth.problem, plan, Follow())
    before = leg_times_s(truth)
    after = met_times_s(truth, record, before)
    departed = [event for event in record if event.kind is EventKind.DEPARTED]
    assert np.count_nonzero(after != before) > len({event.duty for event in departed})
    arrived = [event for event in record if event.kind is EventKind.ARRIVED]
    last = max(arrived, key=lambda event: event.at_s)
    own = [event for event in record if event.duty == last.duty and event.place is not None]
    left = own[own.index(last) - 1]
    origin = next(e.place for e in reversed(own[: own.index(left)]) if e.place is not None)
    assert left.kind is EventKind.DEPARTED
    assert after[origin, last.place] == pytest.approx(last.at_s - left.at_s)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (9, 2.2622), (99, 1.9842)],
)
def test_student_quantiles_are_those_of_the_tables(freedom: int, quantile: float) -> None:
    assert student_quantile(0.975, freedom) == pytest.approx(quantile, rel=5e-3)


def test_intervals_are_students() -> None:
    known = estimate([1.0, 2.0, 3.0, 4.0])
    assert (known.mean, known.days) == (2.5, 4)
    assert known.half_width == pytest.approx(3.1824 * math.sqrt(5 / 3) / 2, rel=5e-3)
    assert estimate([7.0]).half_width == math.inf
    with pytest.raises(ValueError, match="no days"):
        estimate([])


def test_paired_differences_leave_out_what_both_days_share() -> None:
    base = DayFigures.of(results(*record_of(0)))
    hard = [replace(base, on_time=base.on_time - 0.1 * n, duty_hours=100.0 * n) for n in range(5)]
    better = [replace(day, on_time=day.on_time + 0.05) for day in hard]
    paired = paired_differences(hard, better)
    assert paired["on_time"].mean == pytest.approx(0.05)
    assert paired["on_time"].half_width == pytest.approx(0.0, abs=1e-9)
    assert estimates(hard)["on_time"].half_width > 0.1
    assert paired["duty_hours"].mean == 0.0
    with pytest.raises(ValueError, match="zip"):
        paired_differences(hard, better[:-1])
