"""The terms of the objective that act where a caller states facts, each worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.small_days import (
    NOTHING,
    day,
    dropoff,
    duty,
    end,
    pause,
    pickup,
    plan,
    request,
    route,
    start,
)

from atmr_engine.break_pairing import break_lateness_s
from atmr_engine.objective import evaluate, route_cost
from atmr_engine.plan import Plan
from atmr_engine.problem import Break, TimeWindow, Visit
from atmr_engine.weights import Weights

TWO = Plan(routes=(route(), route(start(), pickup(60, "y"), dropoff(210, "y"), end(), on="B")))
TWO_DUTIES = (duty("A", driver="Ana"), duty("B", driver="Ben"))


@pytest.mark.parametrize(
    ("published", "count"), [((None, None), 0), (("A", "B"), 0), (("B", "B"), 1), (("B", "Z"), 2)]
)
def test_a_request_on_another_duty_than_published_is_reassigned(
    published: tuple[str | None, str | None], count: int
) -> None:
    requests = [request(n, published_duty=d) for n, d in zip("xy", published, strict=True)]
    problem = day(*requests, duties=TWO_DUTIES, weights=replace(NOTHING, reassigned=5.0))
    assert evaluate(problem, TWO).reassigned == count
    assert evaluate(problem, TWO).total == 5.0 * count
    nobody = evaluate(problem, Plan(routes=()))
    assert nobody.reassigned == 0


@pytest.mark.parametrize(
    ("familiar", "count"), [(set(), 0), ({"Ana", "Eve"}, 1), ({"Ben", "Ana"}, 0), ({"Eve"}, 2)]
)
def test_a_driver_whom_the_patient_does_not_know_is_unfamiliar(
    familiar: set[str], count: int
) -> None:
    requests = [request(name, familiar=frozenset(familiar)) for name in "xy"]
    problem = day(*requests, duties=TWO_DUTIES, weights=replace(NOTHING, unfamiliar_drivers=3.0))
    cost = evaluate(problem, TWO)
    assert (cost.unfamiliar_drivers, cost.total) == (count, 3.0 * count)


def test_a_duty_without_a_driver_is_familiar_to_nobody() -> None:
    problem = day(request(familiar=frozenset({"A"})), duties=(duty("A", driver=""),))
    assert evaluate(problem, plan()).unfamiliar_drivers == 1


@pytest.mark.parametrize(
    ("closes_s", "buffer_s", "minutes"),
    [
        (210, 0, 0.0),
        (1e9, 600, 0.0),
        (330, 120, 0.0),
        (300, 120, 0.5),
        (210, 120, 2.0),
        (150, 120, 2.0),
    ],
)
def test_a_stop_near_its_windows_end_is_tight_up_to_the_buffer(
    closes_s: float, buffer_s: float, minutes: float
) -> None:
    """The drop-off begins at 210; what is later than the window is lateness."""
    visit = Visit(place=3, window=TimeWindow(0, closes_s), service_s=30)
    weights = replace(NOTHING, tightness_min=4.0)
    problem = day(request(dropoff=visit), buffer_s=buffer_s, weights=weights)
    cost = evaluate(problem, plan())
    assert cost.tightness_min == pytest.approx(minutes)
    assert cost.total == pytest.approx(4.0 * minutes)
    assert cost.lateness_min == pytest.approx(max(0.0, 210 - closes_s) / 60)


def test_both_ends_are_tight() -> None:
    both = request(
        pickup=Visit(place=1, window=TimeWindow(0, 90), service_s=30),
        dropoff=Visit(place=3, window=TimeWindow(0, 240), service_s=30),
    )
    assert evaluate(day(both, buffer_s=60), plan()).tightness_min == pytest.approx(1.0)


def test_fairness_counts_every_duty_that_has_a_share() -> None:
    """7 minutes worked today: A's week is 60 short, B's (who stays at home) 120 beyond."""
    duties = (
        duty("A", worked_min=33, fair_share_min=100),
        duty("B", worked_min=220, fair_share_min=100),
        duty("C", worked_min=900),
    )
    problem = day(request(), duties=duties, weights=replace(NOTHING, fairness_h2=10.0))
    cost = evaluate(problem, plan())
    assert cost.fairness_h2 == pytest.approx(1.0 + 4.0)
    assert cost.total == pytest.approx(50.0)
    assert route_cost(problem, route()).fairness_h2 == pytest.approx(1.0)


# Two breaks: ten minutes by 300 s, five minutes by 1000 s.
LONG = Break(duration_s=600, window=TimeWindow(0, 300))
SHORT = Break(duration_s=300, window=TimeWindow(0, 1000))
RESTING = duty(breaks=(LONG, SHORT))


@pytest.mark.parametrize(
    ("pauses", "late_s"),
    [
        ([], 0.0),
        ([(240, 840), (840, 1140)], 0.0),
        ([(300, 600), (600, 1200)], 300.0),
        ([(400, 1000)], 0.0),
        ([(400, 700)], 0.0),
        ([(1100, 1700), (1700, 2300)], 800.0 + 700.0),
        ([(1100, 1200), (1300, 1400), (1400, 2000)], 1100.0 + 100.0),
    ],
)
def test_a_break_is_late_by_the_window_of_the_break_that_it_is(
    pauses: list[tuple[float, float]], late_s: float
) -> None:
    stops = [pause(begin, until) for begin, until in pauses]
    taken = route(start(), pickup(60), dropoff(210), *stops, end(9000))
    assert break_lateness_s(RESTING, taken) == pytest.approx(late_s)
    weights = replace(NOTHING, lateness_min=10.0)
    cost = evaluate(day(request(), duties=(RESTING,), weights=weights), Plan(routes=(taken,)))
    assert cost.lateness_min == pytest.approx(late_s / 60)
    assert cost.total == pytest.approx(late_s / 6)


@given(
    breaks=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), max_size=3),
    pauses=st.lists(st.tuples(st.integers(0, 15), st.integers(0, 9)), max_size=4),
)
def test_the_pairing_is_the_best_of_all(
    breaks: list[tuple[int, int, int]], pauses: list[tuple[int, int]]
) -> None:
    rests = tuple(
        Break(duration_s=d, window=TimeWindow(opens, opens + wide)) for d, opens, wide in breaks
    )
    stops = [pause(begin, begin + long) for begin, long in sorted(pauses)]
    taken = route(start(), *stops, end(9000))
    slots = [*stops, *[None] * len(rests)]
    expected = min(
        (
            sum(stop is None for stop in order),
            sum(
                max(0, rest.duration_s - (stop.end_s - stop.begin_s))
                + max(0, rest.window.open_s - stop.begin_s)
                for rest, stop in zip(rests, order, strict=True)
                if stop is not None
            ),
            sum(
                max(0.0, stop.begin_s - rest.window.close_s)
                for rest, stop in zip(rests, order, strict=True)
                if stop is not None
            ),
        )
        for order in permutations(slots, len(rests))
    )
    late_s = break_lateness_s(duty(breaks=rests), taken)
    soonest = min((rest.window.close_s for rest in rests), default=0)
    if any(stop.begin_s > soonest for stop in stops):
        assert late_s == pytest.approx(expected[2])
    else:
        assert late_s == 0.0


def test_no_fact_no_cost() -> None:
    """With the usual weights a day without the new facts costs what it did."""
    old = {
        "unserved", "unserved_priority", "lateness_min", "overtime_min", "detour_min",
        "distance_km", "waiting_min", "working_min", "duties_used", "emergency_duties",
        "driver_changes", "total",
    }  # fmt: skip
    cost = evaluate(day(request(), weights=Weights()), plan())
    assert {name for name in cost.__slots__ if getattr(cost, name)} <= old
    assert cost.total == pytest.approx(6.0 + 0.5 * 7.0)
