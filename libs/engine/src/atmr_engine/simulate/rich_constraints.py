"""What else a made day may hold: wishes that cost, and ways and pauses that depend on the clock.

Synthetic, as rich_problems.py, for whose days these are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.problem import DrivingBreak, Promise, Reserve, TimeWindow, Travel

if TYPE_CHECKING:
    from numpy.random import Generator

    from atmr_engine.problem import Duty, Problem, Request
    from atmr_engine.weights import Weights

MINUTE = 60.0
HOUR = 3600.0
WISHES = {"fairness_h2": 2.0, "tightness_min": 0.3, "promise_min": 1.0, "reassigned": 5.0}
RUSH = (1.0, 1.5, 1.0, 1.4, 1.0)
RUSH_AT = (6.0, 8.0, 11.0, 16.5, 19.0)
"""By how much ways are slower at these hours, the same at all places."""


def with_wishes(problem: Problem, random: Generator) -> Problem:
    """Told times (some firm), a buffer, known drivers, a published plan and fair shares."""
    named = [duty.id for duty in problem.duties]
    drivers = [duty.driver for duty in problem.duties if duty.driver]
    return replace(
        problem,
        requests=tuple(wishful(random, each, named, drivers) for each in problem.requests),
        duties=tuple(with_fair_share(random, duty) for duty in problem.duties),
        weights=priced(problem.weights),
        buffer_s=10 * MINUTE,
    )


def priced(weights: Weights) -> Weights:
    """The weights with something for each wish."""
    return replace(weights, **WISHES)


def wishful(random: Generator, request: Request, duties: list[str], drivers: list[str]) -> Request:
    """A request of whom somebody was told something, or who knows somebody, sometimes."""
    window, told = request.pickup.window, request.promise
    if random.random() < 0.4:  # noqa: PLR2004 (two in five)
        at_s = window.open_s if np.isfinite(window.open_s) else request.dropoff.window.open_s - HOUR
        begin_s = at_s + float(random.integers(0, 60)) * MINUTE
        told = Promise(begin_s=begin_s, slack_s=5 * MINUTE, hard=bool(random.random() < 0.3))  # noqa: PLR2004 (three in ten)
    known = frozenset(drivers[:1]) if random.random() < 0.3 else frozenset()  # noqa: PLR2004 (the same)
    before = duties[int(random.integers(0, len(duties)))] if duties else None
    return replace(request, promise=told, familiar=known, published_duty=before)


def with_fair_share(random: Generator, duty: Duty) -> Duty:
    """The duty, with a week behind it."""
    worked_min = float(random.integers(0, 40)) * 60.0
    return replace(duty, worked_min=worked_min, fair_share_min=20.0 * 60.0)


def with_unsteady_ways(problem: Problem, random: Generator) -> Problem:
    """Rush hours, driving limits, and vehicles that are away for a while."""
    base = problem.travel
    slices = np.array(RUSH)[:, None, None] * base.time_s
    knots_s = np.array(RUSH_AT) * HOUR
    travel = Travel(time_s=slices, distance_km=base.distance_km, knots_s=knots_s)
    sliced = random.random() < 0.6  # noqa: PLR2004 (three in five)
    return replace(
        problem,
        travel=travel if sliced else base,
        duties=tuple(limited(random, duty) for duty in problem.duties),
    )


def limited(random: Generator, duty: Duty) -> Duty:
    """A duty that may be away for half an hour, and whose driving may be limited."""
    opens_s = duty.shift.open_s + float(random.integers(1, 4)) * HOUR
    away = TimeWindow(opens_s, opens_s + 30 * MINUTE)
    rest = DrivingBreak(after_s=float(random.integers(30, 90)) * MINUTE, duration_s=15 * MINUTE)
    return replace(
        duty,
        out_of_service=(away,) if random.random() < 0.5 else (),  # noqa: PLR2004 (one in two)
        driving_break=rest if random.random() < 0.5 else None,  # noqa: PLR2004 (the same)
        max_driving_s=float(random.choice([2 * HOUR, np.inf])),
    )


def with_reserves(problem: Problem, random: Generator) -> Problem:
    """Half an hour in reserve, once or twice in the afternoon."""
    opens_s = (float(hour) * HOUR for hour in random.integers(10, 16, int(random.integers(1, 3))))
    return replace(
        problem,
        reserves=tuple(
            Reserve(
                id=f"reserve{k}", window=TimeWindow(at_s, at_s + 2 * HOUR), duration_s=30 * MINUTE
            )
            for k, at_s in enumerate(opens_s)
        ),
    )
