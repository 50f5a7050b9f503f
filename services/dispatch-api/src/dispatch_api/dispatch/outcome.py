"""The engine's plan in the words of this service: stops with ids and moments, and a summary."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from atmr_engine.plan import Plan, PlannedStop, StopKind
from dispatch_api.dispatch.pipeline import CheckedPlan
from dispatch_api.dispatch.schemas import RunResult
from dispatch_api.dispatch.snapshot import DaySnapshot
from dispatch_api.plans.domain import NewPlan, Stop
from dispatch_api.plans.schemas import NotPlanned, PlanSummary, StandingRoute


def new_plan(snapshot: DaySnapshot, run_id: UUID, checked: CheckedPlan) -> NewPlan:
    """What is committed: every stop of every route, and what is known of the plan."""
    plan, matrix = checked.plan, checked.matrix
    cost = asdict(checked.appraisal.cost)
    summary = PlanSummary(
        objective=cost.pop("total"),
        cost=cost,
        kpis=asdict(checked.appraisal.kpis),
        unserved=[
            NotPlanned(booking_id=UUID(left.request), rule=str(left.rule), reason=left.reason)
            for left in plan.unserved
        ],
        held=_held(snapshot),
        standing=[
            StandingRoute(duty_id=duty_id, reason=reason)
            for duty_id, reason in sorted(snapshot.standing.reasons.items())
        ],
        source=plan.source,
        travel_source=matrix.source,
        degraded=matrix.degraded,
    )
    return NewPlan(
        company_id=snapshot.company_id,
        day=snapshot.day.date,
        run_id=run_id,
        stops=tuple(
            _stop(snapshot, UUID(route.duty), sequence, stop)
            for route in plan.routes
            for sequence, stop in enumerate(route.stops)
        )
        + snapshot.standing.stops,
        summary=summary.model_dump(mode="json"),
    )


def run_result(committed: NewPlan, plan: Plan) -> RunResult:
    """The run's result in short."""
    summary = committed.summary
    return RunResult(
        served=len(committed.assignments),
        unserved=len(plan.unserved),
        objective=summary["objective"],
        source=plan.source,
        travel_source=summary["travel_source"],
        degraded=summary["degraded"],
    )


def _held(snapshot: DaySnapshot) -> list[NotPlanned]:
    waiting = [
        NotPlanned(booking_id=UUID(held.booking.id), reason=held.reason)
        for held in snapshot.day.held()
    ]
    return waiting + [
        NotPlanned(booking_id=booking_id, reason=reason)
        for booking_id, reason in snapshot.standing.waiting.items()
    ]


def _stop(snapshot: DaySnapshot, duty_id: UUID, sequence: int, stop: PlannedStop) -> Stop:
    booking_id = UUID(stop.request) if stop.request else None
    return Stop(
        duty_id=duty_id,
        sequence=sequence,
        kind=stop.kind.value,
        booking_id=booking_id,
        place_id=_place(snapshot, duty_id, booking_id, stop.kind),
        arrival_at=snapshot.day.moment(stop.arrival_s),
        begin_at=snapshot.day.moment(stop.begin_s),
        end_at=snapshot.day.moment(stop.end_s),
    )


def _place(
    snapshot: DaySnapshot, duty_id: UUID, booking_id: UUID | None, kind: StopKind
) -> UUID | None:
    """The place of a stop; a break or a reserve is where the stop before it was."""
    if booking_id is not None:
        return snapshot.places[booking_id][kind is StopKind.DROPOFF]
    if kind in {StopKind.BREAK, StopKind.RESERVE}:
        return None
    return snapshot.ends[duty_id][kind is StopKind.END]
