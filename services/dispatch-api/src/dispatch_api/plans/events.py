"""What a committed plan tells: the legs of every route, and each booking that came or left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from atmr_common.contracts.dispatch import (
    AssignmentCommitted,
    AssignmentReleased,
    PlanCommitted,
    PlannedLeg,
    PlannedRoute,
)
from dispatch_api.plans.domain import Assignment, NewPlan, Stop

LEFT_OUT = "replanned"


def plan_committed(
    plan: NewPlan, version: int, changed: Iterable[Assignment], released: Iterable[UUID]
) -> PlanCommitted:
    return PlanCommitted(
        day=plan.day,
        version=version,
        run_id=plan.run_id,
        assigned=tuple(item.booking_id for item in changed),
        released=tuple(released),
        served=len(plan.assignments),
        unserved=len(plan.summary["unserved"]),
        routes=tuple(planned_routes(plan.stops)),
        kpis=plan.summary["kpis"],
    )


def assignment_committed(plan: NewPlan, item: Assignment, version: int) -> AssignmentCommitted:
    return AssignmentCommitted(
        booking_id=item.booking_id,
        duty_id=item.duty_id,
        day=plan.day,
        plan_version=version,
        planned_pickup_at=item.planned_pickup_at,
        planned_dropoff_at=item.planned_dropoff_at,
    )


def assignment_released(plan: NewPlan, booking_id: UUID, version: int) -> AssignmentReleased:
    return AssignmentReleased(
        booking_id=booking_id, day=plan.day, plan_version=version, reason=LEFT_OUT
    )


def planned_routes(stops: Iterable[Stop]) -> Iterator[PlannedRoute]:
    """Each duty's stops as legs; the seconds of a route add up to its last departure."""
    routes: defaultdict[UUID, list[Stop]] = defaultdict(list)
    for stop in stops:
        routes[stop.duty_id].append(stop)
    for duty_id, of_duty in routes.items():
        route = sorted(of_duty, key=lambda stop: stop.sequence)
        begins_at = route[0].arrival_at
        legs = [_leg(begins_at, route[0])]
        legs += [_leg(before.end_at, stop) for before, stop in pairwise(route)]
        yield PlannedRoute(duty_id=duty_id, begins_at=begins_at, legs=tuple(legs))


def _leg(leaves_at: datetime, stop: Stop) -> PlannedLeg:
    return PlannedLeg(
        kind=stop.kind,
        booking_id=stop.booking_id,
        drive_s=_seconds(leaves_at, stop.arrival_at),
        wait_s=_seconds(stop.arrival_at, stop.begin_at),
        service_s=_seconds(stop.begin_at, stop.end_at),
    )


def _seconds(earlier: datetime, later: datetime) -> int:
    return max(0, round((later - earlier).total_seconds()))
