"""What came of a driven day, from its record alone: per request, per duty, and as key figures.

On time and lateness are those of docs/kpi.md, against the time that a patient was told first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from atmr_engine.kpi import (
    EARLIEST_ARRIVAL_S,
    PROMISE_TOLERANCE_S,
    ROUNDING_S,
    Kpis,
    measure,
)
from atmr_engine.plan import Plan, StopKind
from atmr_engine.problem import TimeWindow
from atmr_engine.simulate.conduct import Conduct
from atmr_engine.simulate.day_state import Standing
from atmr_engine.simulate.events import EventKind
from atmr_engine.simulate.timesheet import timesheets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from atmr_engine.plan import PlannedStop, Route
    from atmr_engine.problem import Problem, Request
    from atmr_engine.simulate.events import Event

ENDINGS = {
    EventKind.CANCELLED: Standing.CANCELLED,
    EventKind.NO_SHOW: Standing.NO_SHOW,
    EventKind.HELD: Standing.HELD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestResult:
    """One request at the end of the day; what did not happen is None.

    `late_s` is the worst of: the pickup after the told time, the pickup after its window, the
    drop-off after its window (docs/kpi.md counts the windows alone; this is stricter).
    """

    request: str
    outcome: Standing
    duty: str | None = None
    told_s: float | None = None
    pickup_s: float | None = None
    dropoff_s: float | None = None
    pickup_on_time: bool | None = None
    appointment_on_time: bool | None = None
    late_s: float | None = None
    ride_s: float | None = None
    direct_s: float | None = None

    @property
    def on_time(self) -> bool:
        """Served, fetched at the told time, and there for the appointment where it has one."""
        return bool(self.pickup_on_time) and self.appointment_on_time is not False


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyResult:
    """One duty at the end of the day: seconds between departure and return, and after its shift."""

    duty: str
    departure_s: float
    return_s: float
    overtime_s: float
    served: int
    broke_down: bool

    @property
    def working_s(self) -> float:
        """Return minus departure."""
        return self.return_s - self.departure_s


@dataclass(frozen=True, slots=True, kw_only=True)
class DrivenDay:
    """All results of a day. `problem` has the will-call windows as they came to be.

    `moved` counts told times that decisions moved, `refused` decisions that were not carried out
    because they would have broken a rule or a commitment.
    """

    problem: Problem
    plan: Plan
    requests: tuple[RequestResult, ...]
    duties: tuple[DutyResult, ...]
    moved: int
    refused: int

    def kpis(self) -> Kpis:
        """The key figures of docs/kpi.md; visits in vain count as waiting at that place."""
        told = {r.request: r.told_s for r in self.requests if r.told_s is not None}
        return measure(self.problem, self.plan, told)


def results(problem: Problem, record: Iterable[Event], conduct: Conduct | None = None) -> DrivenDay:
    """Fold the record of a day: the same record gives the same results.

    `problem` is the day with free-flow travel times (`Truth.problem`).
    """
    events = list(record)
    windows = _ready_windows(events, conduct or Conduct())
    actual = replace(
        problem, requests=tuple(_fetched_within(r, windows.get(r.id)) for r in problem.requests)
    )
    plan = Plan(routes=tuple(timesheets(actual, events)))
    broken = {event.duty for event in events if event.kind is EventKind.BROKEN_DOWN}
    return DrivenDay(
        problem=actual,
        plan=plan,
        requests=tuple(_request_results(actual, plan, events, windows)),
        duties=tuple(_duty_result(actual, route, broken) for route in plan.routes),
        moved=sum(event.kind is EventKind.MOVED for event in events),
        refused=sum(event.kind is EventKind.REFUSED for event in events),
    )


def _ready_windows(events: list[Event], conduct: Conduct) -> dict[str, TimeWindow]:
    return {
        event.request: TimeWindow(event.at_s, event.at_s + conduct.will_call_window_s)
        for event in events
        if event.kind is EventKind.READY and event.request is not None
    }


def _fetched_within(request: Request, window: TimeWindow | None) -> Request:
    if window is None:
        return request
    return replace(request, pickup=replace(request.pickup, window=window))


def _request_results(
    problem: Problem, plan: Plan, events: list[Event], called: Mapping[str, TimeWindow]
) -> Iterator[RequestResult]:
    told = {e.request: e.told_s for e in events if e.kind is EventKind.TOLD}
    ended = {e.request: ENDINGS[e.kind] for e in events if e.kind in ENDINGS}
    served = {
        stop.request: (route.duty, stop)
        for route in plan.routes
        for stop in route.stops
        if stop.kind is StopKind.DROPOFF
    }
    boarded = {
        stop.request: stop
        for route in plan.routes
        for stop in route.stops
        if stop.kind is StopKind.PICKUP
    }
    for request in problem.requests:
        told_s = None if request.id in called else told.get(request.id)
        if request.id in served:
            duty, dropoff = served[request.id]
            yield _served(problem, request, duty, (boarded[request.id], dropoff), told_s)
        else:
            outcome = ended.get(request.id, Standing.UNSERVED)
            yield RequestResult(request=request.id, outcome=outcome, told_s=told_s)


def _served(
    problem: Problem,
    request: Request,
    duty: str,
    stops: tuple[PlannedStop, PlannedStop],
    told_s: float | None,
) -> RequestResult:
    pickup, dropoff = stops
    window, closes_s = request.pickup.window, request.dropoff.window.close_s
    due_s = window.close_s if told_s is None else min(told_s, window.close_s)
    return RequestResult(
        request=request.id,
        outcome=Standing.SERVED,
        duty=duty,
        told_s=told_s,
        pickup_s=pickup.begin_s,
        dropoff_s=dropoff.begin_s,
        pickup_on_time=_is_on_time(pickup.begin_s, window, told_s),
        appointment_on_time=_keeps_appointment(dropoff.begin_s, closes_s),
        late_s=max(0.0, pickup.begin_s - due_s, dropoff.begin_s - closes_s),
        ride_s=dropoff.begin_s - pickup.end_s,
        direct_s=float(problem.travel.time_s[request.pickup.place, request.dropoff.place]),
    )


def _is_on_time(begin_s: float, window: TimeWindow, told_s: float | None) -> bool:
    if told_s is not None:
        return abs(begin_s - told_s) <= PROMISE_TOLERANCE_S + ROUNDING_S
    return window.open_s - ROUNDING_S <= begin_s <= window.close_s + ROUNDING_S


def _keeps_appointment(begin_s: float, appointment_s: float) -> bool | None:
    """None where there is no appointment."""
    if math.isinf(appointment_s):
        return None
    return -ROUNDING_S <= appointment_s - begin_s <= EARLIEST_ARRIVAL_S + ROUNDING_S


def _duty_result(problem: Problem, route: Route, broken: set[str | None]) -> DutyResult:
    duty = problem.duties[problem.duty_index[route.duty]]
    departure_s, return_s = route.stops[0].end_s, route.stops[-1].end_s
    return DutyResult(
        duty=duty.id,
        departure_s=departure_s,
        return_s=return_s,
        overtime_s=max(0.0, return_s - duty.shift.close_s),
        served=sum(stop.kind is StopKind.DROPOFF for stop in route.stops),
        broke_down=duty.id in broken,
    )
