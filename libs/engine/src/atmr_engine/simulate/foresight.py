"""A day planned in full knowledge of what will happen: what no policy can be expected to reach.

It is found by the same heuristic search, so it is no proven bound; the report says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.problem import TimeWindow, Travel
from atmr_engine.simulate.comparison import DayFigures
from atmr_engine.simulate.conduct import Conduct
from atmr_engine.simulate.events import EventKind
from atmr_engine.simulate.execution import drive
from atmr_engine.simulate.policies import Follow
from atmr_engine.simulate.results import results
from atmr_engine.solver import solve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atmr_engine.budget import Budget
    from atmr_engine.plan import Plan
    from atmr_engine.problem import Duty, Problem, Request
    from atmr_engine.simulate.events import Event
    from atmr_engine.simulate.truth import Truth


def drive_foreseen(
    truth: Truth, budget: Budget, seed: int = 0, conduct: Conduct | None = None, rounds: int = 3
) -> list[Event]:
    """The record of the best of `rounds` days, each planned with `budget` in full knowledge.

    Known are bookings, cancellations, who will not be there, ready times, service times,
    breakdowns and every leg's own driving time. What a leg takes also hangs on the hour at which
    it is driven, so each round plans with the times that the round before it met.
    """
    rules = conduct or Conduct()
    time_s = leg_times_s(truth)
    best: list[Event] = []
    best_figures: tuple[float, ...] = ()
    start: Plan | None = None
    for number in range(rounds):
        informed = informed_problem(truth, time_s, rules)
        start = solve(informed, budget, seed + number, warm_start=start)
        record = drive(truth, everybody(truth, informed), start, Follow(), rules, foreseen=True)
        figures = rank(DayFigures.of(results(truth.problem, record, rules)))
        if not best or figures < best_figures:
            best, best_figures = record, figures
        time_s = met_times_s(truth, record, time_s)
    return best


def rank(day: DayFigures) -> tuple[float, ...]:
    """What makes one day better than another: fewer unserved, very late, late, then hours."""
    return (day.unserved, day.very_late, -day.on_time, day.duty_hours)


def leg_times_s(truth: Truth) -> NDArray[np.float64]:
    """The matrix with every leg's own factor, (places, places) in seconds; traffic apart."""
    time_s = truth.problem.travel.time_s.copy()
    for origin, destination in np.argwhere((time_s > 0.0) & np.isfinite(time_s)):
        time_s[origin, destination] *= truth.leg_factor(int(origin), int(destination))
    return time_s


def met_times_s(
    truth: Truth, record: list[Event], time_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The matrix with the times that the driven legs took, where the record has them."""
    met = time_s.copy()
    places = {duty.id: duty.start_place for duty in truth.problem.duties}
    departures: dict[str, float] = {}
    for event in record:
        if event.duty is None or event.place is None:
            continue
        if event.kind is EventKind.DEPARTED:
            departures[event.duty] = event.at_s
        elif event.kind is EventKind.ARRIVED:
            origin, places[event.duty] = places[event.duty], event.place
            if origin is not None and origin != event.place:
                met[origin, event.place] = event.at_s - departures[event.duty]
    return met


def informed_problem(truth: Truth, time_s: NDArray[np.float64], conduct: Conduct) -> Problem:
    """The day as it will be, for those who will really travel."""
    requests = tuple(
        _informed(truth, request, conduct)
        for request in truth.problem.requests
        if _travels(truth, request)
    )
    known = {request.id for request in requests}
    duties = tuple(_until_breakdown(truth, duty) for duty in truth.problem.duties)
    return replace(
        truth.problem,
        requests=tuple(_with_known_leg(request, known) for request in requests),
        duties=duties,
        travel=Travel(time_s=time_s, distance_km=truth.problem.travel.distance_km),
    )


def everybody(truth: Truth, informed: Problem) -> Problem:
    """The informed problem with those, too, who will not travel: the day must know of them."""
    travelling = {request.id: request for request in informed.requests}
    return replace(
        informed,
        requests=tuple(travelling.get(r.id, r) for r in truth.problem.requests),
    )


def _travels(truth: Truth, request: Request) -> bool:
    """Whether anybody has to be fetched, the leg before this one considered."""
    facts = truth.of(request.id)
    if not facts.shows_up or facts.cancelled_s is not None:
        return False
    if request.link is None:
        return True
    return _travels(truth, truth.problem.requests[truth.problem.request_index[request.link.after]])


def _informed(truth: Truth, request: Request, conduct: Conduct) -> Request:
    facts = truth.of(request.id)
    pickup = replace(request.pickup, service_s=request.pickup.service_s * facts.boarding_factor)
    dropoff = replace(request.dropoff, service_s=request.dropoff.service_s * facts.alighting_factor)
    if facts.ready_s is not None:
        window = TimeWindow(facts.ready_s, facts.ready_s + conduct.will_call_window_s)
        pickup = replace(pickup, window=window)
    return replace(request, pickup=pickup, dropoff=dropoff)


def _with_known_leg(request: Request, known: set[str]) -> Request:
    if request.link is None or request.link.after in known:
        return request
    return replace(request, link=None)


def _until_breakdown(truth: Truth, duty: Duty) -> Duty:
    """Its shift ends with the breakdown; the breaks that would come later fall away."""
    moment_s = truth.breakdown_s.get(duty.id)
    if moment_s is None:
        return duty
    breaks = tuple(p for p in duty.breaks if p.window.open_s + p.duration_s <= moment_s)
    return replace(duty, breaks=breaks, shift=TimeWindow(duty.shift.open_s, moment_s))
