"""The best timetable of given sequences of stops: by a linear programme, or drop-offs early.

Both read one list of difference constraints, links between routes included, and nothing of the
engine's search. Times come back as a plan, so that `evaluate` and `check` have the last word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import highspy
import numpy as np
from numpy.typing import NDArray

from atmr_engine.objective import SECONDS_PER_MINUTE
from atmr_engine.plan import Plan, PlannedStop, Route, StopKind, Unserved
from atmr_engine.problem import Problem
from atmr_engine.rules import Rule

Sequences = Mapping[int, Sequence[int]]
"""Stops by duty: 2 r picks request r up, 2 r + 1 drops it off, 2 R + b is the duty's break b."""

GAIN_S = 1e-7


class Event(NamedTuple):
    """Something that happens at a time to be found, at or after `low_s`, up to `high_s`."""

    kind: StopKind
    place: int | None
    low_s: float
    high_s: float
    spent_s: float
    request: int = -1


class Gap(NamedTuple):
    """Event `later` begins at least `gap_s` after `earlier` does."""

    earlier: int
    later: int
    gap_s: float


@dataclass(frozen=True)
class Network:
    """The events of some routes, one route after the other, and what holds between their times."""

    problem: Problem
    events: list[Event]
    gaps: list[Gap]
    ends: dict[int, tuple[int, int]]
    """First and last event of each duty."""
    visits: dict[int, int]
    """The event of each pickup (2 r) and drop-off (2 r + 1)."""


def network_of(problem: Problem, sequences: Sequences) -> Network:
    """Lay the sequences out; order, loads and fitness are taken as given."""
    network = Network(problem, [], [], {}, {})
    for duty, sequence in sequences.items():
        _add_route(network, duty, sequence)
    for index, request in enumerate(problem.requests):
        pickup, dropoff = network.visits.get(2 * index), network.visits.get(2 * index + 1)
        if pickup is not None and dropoff is not None:
            longest = request.pickup.service_s + request.max_ride_s
            network.gaps.append(Gap(dropoff, pickup, -longest))
        if request.link is not None and pickup is not None:
            after = problem.request_index[request.link.after]
            before = network.visits.get(2 * after + 1)
            if before is not None:
                stay = problem.requests[after].dropoff.service_s + request.link.stay_s
                network.gaps.append(Gap(before, pickup, stay))
    return network


def _add_route(network: Network, index: int, sequence: Sequence[int]) -> None:
    duty = network.problem.duties[index]
    events, first = network.events, len(network.events)
    events.append(Event(StopKind.START, duty.start_place, duty.shift.open_s, np.inf, 0.0))
    for node in sequence:
        event = _event(network.problem, index, node, events[-1].place)
        if event.request >= 0:
            network.visits[node] = len(events)
        _follow(network, event)
    _follow(network, Event(StopKind.END, duty.end_place, -np.inf, duty.shift.close_s, 0.0))
    last = len(events) - 1
    network.ends[index] = (first, last)
    network.gaps.append(Gap(last, first, -duty.max_duration_s))


def _event(problem: Problem, duty: int, node: int, here: int | None) -> Event:
    if node >= 2 * len(problem.requests):
        pause = problem.duties[duty].breaks[node - 2 * len(problem.requests)]
        window = pause.window
        return Event(StopKind.BREAK, here, window.open_s, window.close_s, pause.duration_s)
    request, drops = problem.requests[node // 2], node % 2 == 1
    visit = request.dropoff if drops else request.pickup
    return Event(
        StopKind.DROPOFF if drops else StopKind.PICKUP,
        visit.place,
        visit.window.open_s,
        visit.window.close_s,
        visit.service_s + (request.cleaning_s if drops else 0.0),
        node // 2,
    )


def _follow(network: Network, event: Event) -> None:
    before = len(network.events) - 1
    gap_s = network.events[before].spent_s + way_s(
        network.problem, network.events[before].place, event.place
    )
    network.gaps.append(Gap(before, before + 1, gap_s))
    network.events.append(event)


def way_s(problem: Problem, here: int | None, there: int | None) -> float:
    """Seconds between two places; nowhere is at no distance."""
    return 0.0 if here is None or there is None else float(problem.travel.time_s[here, there])


def cheapest_times(network: Network) -> NDArray[np.float64] | None:
    """Times (events,) that cost least under the problem's weights, or None where there are none.

    A linear programme: working time, waiting and detours are sums of differences of times. Travel
    times must obey the triangle inequality, so that no ride is shorter than the direct way.
    """
    model = highspy.Highs()
    for name, value in (("output_flag", False), ("threads", 1), ("presolve", "off")):
        model.setOptionValue(name, value)
    low = np.array([event.low_s for event in network.events])
    high = np.array([event.high_s for event in network.events])
    none, count = np.zeros(0, dtype=np.int32), len(network.events)
    model.addCols(count, _prices(network), low, high, 0, none, none, np.zeros(0))
    gaps = [gap for gap in network.gaps if gap.gap_s > -np.inf]
    rows, starts = len(gaps), np.arange(0, 2 * len(gaps), 2, dtype=np.int32)
    index = np.array([[gap.later, gap.earlier] for gap in gaps], dtype=np.int32).ravel()
    least, most = np.array([gap.gap_s for gap in gaps]), np.full(rows, highspy.kHighsInf)
    model.addRows(rows, least, most, 2 * rows, starts, index, np.tile([1.0, -1.0], rows))
    model.run()
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return np.array(model.getSolution().col_value)


def _prices(network: Network) -> NDArray[np.float64]:
    """What a second later costs at each event."""
    weights = network.problem.weights
    prices = np.zeros(len(network.events))
    for first, last in network.ends.values():
        for event, sign in ((first, -1.0), (last, 1.0)):
            prices[event] += sign * (weights.working_min + weights.waiting_min)
    for node, event in network.visits.items():
        prices[event] += weights.detour_min * (1.0 if node % 2 else -1.0)
    return prices / SECONDS_PER_MINUTE


def customary_times(network: Network) -> NDArray[np.float64] | None:
    """Times (events,) by the custom of early drop-offs, or None where there are none.

    All as early as possible; then departures, pickups and breaks as late as drop-offs, returns and
    windows let them.
    """
    times = _earliest(network)
    if times is None:
        return None
    ways = {gap.earlier: gap.gap_s for gap in network.gaps if gap.later == gap.earlier + 1}
    for first, last in network.ends.values():
        for k in range(last - 1, first - 1, -1):
            event = network.events[k]
            if event.kind is not StopKind.DROPOFF:
                times[k] = max(times[k], min(times[k + 1] - ways[k], event.high_s))
    return times


def _earliest(network: Network) -> NDArray[np.float64] | None:
    """The least solution of all gaps (Bellman and Ford), or None."""
    times = np.array([event.low_s for event in network.events])
    for _ in range(len(times) + 1):
        changed = False
        for earlier, later, gap_s in network.gaps:
            if times[earlier] + gap_s > times[later] + GAIN_S:
                times[later] = times[earlier] + gap_s
                changed = True
        if any(times[k] > event.high_s + GAIN_S for k, event in enumerate(network.events)):
            return None
        if not changed:
            return times
    return None


def plan_of(network: Network, times: NDArray[np.float64]) -> Plan:
    """The plan that drives at these times; all other requests are unserved."""
    problem = network.problem
    routes = [
        Route(duty=problem.duties[duty].id, stops=tuple(_stops(network, times, first, last)))
        for duty, (first, last) in network.ends.items()
    ]
    left_out = [
        Unserved(request=request.id, rule=Rule.COVERAGE, reason="dearer to serve than not to")
        for index, request in enumerate(problem.requests)
        if 2 * index not in network.visits
    ]
    return Plan(routes=tuple(routes), unserved=tuple(left_out))


def _stops(
    network: Network, times: NDArray[np.float64], first: int, last: int
) -> list[PlannedStop]:
    """The stops, each reached as soon as the one before lets it; service begins at its time."""
    stops: list[PlannedStop] = []
    for event, begin_s in zip(
        network.events[first : last + 1], times[first : last + 1], strict=True
    ):
        arrival_s = float(begin_s)
        if stops:
            arrival_s = stops[-1].end_s + way_s(network.problem, stops[-1].place, event.place)
        if event.kind is StopKind.END:
            begin_s = arrival_s  # noqa: PLW2901 (nobody waits for the end of a shift)
        stops.append(
            PlannedStop(
                kind=event.kind,
                place=event.place,
                arrival_s=arrival_s,
                begin_s=float(begin_s),
                end_s=float(begin_s) + event.spent_s,
                request=None if event.request < 0 else network.problem.requests[event.request].id,
            )
        )
    return stops
