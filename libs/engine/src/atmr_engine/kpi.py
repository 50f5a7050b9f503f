"""Key figures of a plan or of a driven day: one definition each, as docs/kpi.md words them."""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from atmr_engine.fairness import working_minutes
from atmr_engine.objective import driver_of, evaluate
from atmr_engine.plan import StopKind
from atmr_engine.problem import DriverKind
from atmr_engine.travel import travel_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from atmr_engine.plan import Plan, PlannedStop, Route
    from atmr_engine.problem import Duty, Problem, Request

PROMISE_TOLERANCE_S = 300.0
EARLIEST_ARRIVAL_S = 1_800.0
ROUNDING_S = 1e-3
"""Seconds computed along a route are not exact to the last bit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpis:
    """Counts, minutes and kilometres of one day; a ratio of nothing is None.

    `working_spread_min` and `trip_gap` are the most minus the least between the regular duties,
    `week_spread_min` between the drivers of such duties, their week before today included.
    """

    requests: int
    served: int
    pickups_on_time: int
    appointments: int
    appointments_on_time: int
    lateness_min: float
    worst_lateness_min: float
    ride_min: float
    direct_min: float
    ride_over_direct: float | None
    loaded_km: float
    empty_km: float
    overtime_min: float
    working_min: float
    working_spread_min: float
    working_deviation_min: float
    trip_gap: int
    duties_used: int
    emergency_duties_used: int
    week_spread_min: float | None = None
    week_deviation_min: float | None = None

    def as_json(self) -> dict[str, float | int | None]:
        """Plain values for a program."""
        return {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class _Trip:
    """A served request with its pickup and its drop-off."""

    request: Request
    pickup: PlannedStop
    dropoff: PlannedStop
    direct_s: float

    @property
    def ride_s(self) -> float:
        return self.dropoff.begin_s - self.pickup.begin_s - self.request.pickup.service_s

    @property
    def late_s(self) -> float:
        """The worse of both ends, after their windows closed."""
        return max(
            0.0,
            self.pickup.begin_s - self.request.pickup.window.close_s,
            self.dropoff.begin_s - self.request.dropoff.window.close_s,
        )

    @property
    def has_appointment(self) -> bool:
        return math.isfinite(self.request.dropoff.window.close_s)

    @property
    def keeps_appointment(self) -> bool:
        before_s = self.request.dropoff.window.close_s - self.dropoff.begin_s
        return -ROUNDING_S <= before_s <= EARLIEST_ARRIVAL_S + ROUNDING_S

    def keeps_promise(self, promised_s: float | None) -> bool:
        """Within five minutes of the time that was told; within its window where none was."""
        if promised_s is not None:
            return abs(self.pickup.begin_s - promised_s) <= PROMISE_TOLERANCE_S + ROUNDING_S
        window = self.request.pickup.window
        return window.open_s - ROUNDING_S <= self.pickup.begin_s <= window.close_s + ROUNDING_S


def measure(problem: Problem, plan: Plan, promises: Mapping[str, float] | None = None) -> Kpis:
    """The key figures of `plan`, which may be a plan or the timetable of a driven day.

    `promises` are the pickup times (seconds) that patients were told, by request; where it has none
    the request's own promise counts.

    Raises:
        KeyError: where a route names a duty or a request that the problem does not have.

    """
    told = {r.id: r.promise.begin_s for r in problem.requests if r.promise is not None}
    told |= promises or {}
    cost = evaluate(problem, plan)
    trips = [trip for route in plan.routes for trip in _trips(problem, route)]
    appointments = [trip for trip in trips if trip.has_appointment]
    ride_s, direct_s = sum(t.ride_s for t in trips), sum(t.direct_s for t in trips)
    loaded = [_loaded_km(problem, route) for route in plan.routes]
    regular = [d for d in problem.duties if d.driver_kind is DriverKind.REGULAR]
    today, served = working_minutes(problem, plan), _trips_by_duty(plan)
    working = [today[duty.id] for duty in regular] or [0.0]
    counts = [served.get(duty.id, 0) for duty in regular] or [0]
    week = _week_minutes(regular, today) or [0.0]
    return Kpis(
        requests=len(problem.requests),
        served=len(trips),
        pickups_on_time=sum(trip.keeps_promise(told.get(trip.request.id)) for trip in trips),
        appointments=len(appointments),
        appointments_on_time=sum(trip.keeps_appointment for trip in appointments),
        lateness_min=sum(trip.late_s for trip in trips) / 60.0,
        worst_lateness_min=max((trip.late_s for trip in trips), default=0.0) / 60.0,
        ride_min=ride_s / 60.0,
        direct_min=direct_s / 60.0,
        ride_over_direct=ride_s / direct_s if direct_s else None,
        loaded_km=sum(loaded),
        empty_km=max(0.0, cost.distance_km - sum(loaded)),
        overtime_min=cost.overtime_min,
        working_min=cost.working_min,
        working_spread_min=max(working) - min(working),
        working_deviation_min=statistics.pstdev(working),
        trip_gap=max(counts) - min(counts),
        duties_used=sum(1 for route in plan.routes if route.requests),
        emergency_duties_used=cost.emergency_duties,
        week_spread_min=max(week) - min(week),
        week_deviation_min=statistics.pstdev(week),
    )


def _trips(problem: Problem, route: Route) -> Iterator[_Trip]:
    pickups: dict[str, PlannedStop] = {}
    for stop in route.stops:
        if stop.request is None:
            continue
        if stop.kind is StopKind.PICKUP:
            pickups[stop.request] = stop
        elif stop.request in pickups:
            request = problem.requests[problem.request_index[stop.request]]
            pickup = pickups[stop.request]
            leaves_s = pickup.begin_s + request.pickup.service_s
            a, b = request.pickup.place, request.dropoff.place
            yield _Trip(request, pickup, stop, travel_time(problem.travel, a, b, leaves_s))


def _loaded_km(problem: Problem, route: Route) -> float:
    """Kilometres driven with somebody on board."""
    on_board, loaded = 0, 0.0
    placed = [stop for stop in route.stops if stop.place is not None]
    for stop, following in pairwise(placed):
        on_board += {StopKind.PICKUP: 1, StopKind.DROPOFF: -1}.get(stop.kind, 0)
        if on_board > 0:
            loaded += float(problem.travel.distance_km[stop.place, following.place])
    return loaded


def _trips_by_duty(plan: Plan) -> dict[str, int]:
    return {route.duty: len(route.requests) for route in plan.routes}


def _week_minutes(regular: list[Duty], today: Mapping[str, float]) -> list[float]:
    """The week of each regular driver, today included: their duties' minutes in one sum.

    What was worked before today is stated on each duty of a driver; the most of it counts, once.
    """
    before: dict[str, float] = {}
    within: dict[str, float] = {}
    for duty in regular:
        driver = driver_of(duty)
        before[driver] = max(before.get(driver, 0.0), duty.worked_min)
        within[driver] = within.get(driver, 0.0) + today[duty.id]
    return [before[driver] + within[driver] for driver in before]
