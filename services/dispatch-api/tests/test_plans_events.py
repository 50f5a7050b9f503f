"""What a committed plan tells: the planned seconds of every leg, and nobody's name or place."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from dispatch_api.plans.domain import NewPlan, Stop
from dispatch_api.plans.events import assignment_released, plan_committed, planned_routes

MORNING = datetime(2026, 3, 16, 7, 45, tzinfo=UTC)
FIRST, SECOND, BOOKING, RUN, COMPANY = (UUID(int=number) for number in range(1, 6))


def stop(duty_id: UUID, sequence: int, kind: str, *minutes: float) -> Stop:
    arrival_at, begin_at, end_at = (MORNING + timedelta(minutes=each) for each in minutes)
    return Stop(
        duty_id=duty_id,
        sequence=sequence,
        kind=kind,
        booking_id=BOOKING if kind in {"pickup", "dropoff"} else None,
        place_id=UUID(int=9),
        arrival_at=arrival_at,
        begin_at=begin_at,
        end_at=end_at,
    )


STOPS = (
    stop(FIRST, 2, "dropoff", 45, 45, 47.5),
    stop(FIRST, 0, "start", 0, 0, 0),
    stop(SECOND, 0, "start", 30, 30, 30),
    stop(FIRST, 1, "pickup", 14, 20, 25),
    stop(FIRST, 3, "end", 60, 60, 60),
)


def test_legs_are_driving_waiting_and_service_in_the_order_of_the_route() -> None:
    first, second = planned_routes(STOPS)
    assert (first.duty_id, first.begins_at) == (FIRST, MORNING)
    assert [(leg.kind, leg.drive_s, leg.wait_s, leg.service_s) for leg in first.legs] == [
        ("start", 0, 0, 0),
        ("pickup", 840, 360, 300),
        ("dropoff", 1200, 0, 150),
        ("end", 750, 0, 0),
    ]
    assert [leg.booking_id for leg in first.legs] == [None, BOOKING, BOOKING, None]
    assert (second.duty_id, len(second.legs)) == (SECOND, 1)


def test_the_seconds_of_a_route_lead_to_its_end() -> None:
    first = next(planned_routes(STOPS))
    seconds = sum(leg.drive_s + leg.wait_s + leg.service_s for leg in first.legs)
    assert first.begins_at + timedelta(seconds=seconds) == MORNING + timedelta(minutes=60)


def test_a_committed_plan_tells_its_figures_and_no_place() -> None:
    plan = NewPlan(
        company_id=COMPANY,
        day=date(2026, 3, 16),
        run_id=RUN,
        stops=STOPS,
        summary={"unserved": [1, 2], "kpis": {"lateness_min": 3.5, "ride_over_direct": None}},
    )
    event = plan_committed(plan, 4, plan.assignments.values(), [SECOND])
    assert (event.version, event.served, event.unserved) == (4, 1, 2)
    assert (event.assigned, event.released) == ((BOOKING,), (SECOND,))
    assert event.kpis == {"lateness_min": 3.5, "ride_over_direct": None}
    assert str(UUID(int=9)) not in event.model_dump_json()
    assert assignment_released(plan, SECOND, 4).reason == "replanned"
