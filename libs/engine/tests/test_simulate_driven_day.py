"""A day of two duties whose every time is worked out by hand, in minutes; then things go wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from atmr_engine import (
    Capacity,
    Committed,
    Duty,
    Link,
    Plan,
    PlannedStop,
    Problem,
    Request,
    Route,
    StopKind,
    TimeWindow,
    Travel,
    Visit,
    check,
    evaluate,
)
from atmr_engine.rules import Rule
from atmr_engine.simulate.conduct import Conduct
from atmr_engine.simulate.day_state import DayState, Standing
from atmr_engine.simulate.events import Event, EventKind
from atmr_engine.simulate.execution import drive
from atmr_engine.simulate.policies import Decision, Follow, Insert, Policy, without
from atmr_engine.simulate.remainder import Remainder, remainder
from atmr_engine.simulate.results import DrivenDay, results
from atmr_engine.simulate.truth import RequestFacts, Truth

MINUTE = 60.0
DEPOT, HOME_A, CLINIC, HOME_B = range(4)
WAYS = np.array([[0.0, 10, 10, 15], [10, 0, 20, 12], [10, 20, 0, 10], [15, 12, 10, 0]])


def window(opens: float, closes: float = float("inf")) -> TimeWindow:
    return TimeWindow(opens * MINUTE, closes * MINUTE)


def request(
    name: str, places: tuple[int, int], at: tuple[TimeWindow, TimeWindow], after: str | None = None
) -> Request:
    return Request(
        id=name,
        pickup=Visit(place=places[0], window=at[0], service_s=2 * MINUTE),
        dropoff=Visit(place=places[1], window=at[1], service_s=3 * MINUTE),
        link=None if after is None else Link(after=after, stay_s=10 * MINUTE),
    )


def duty(name: str) -> Duty:
    return Duty(
        id=name,
        capacity=Capacity(seats=4),
        shift=window(0, 600),
        start_place=DEPOT,
        end_place=DEPOT,
    )


OUT = request("out", (HOME_A, CLINIC), (window(30, 60), window(60, 90)))
OTHER = request("other", (HOME_B, CLINIC), (window(50, 80), window(0)))
BACK = request("back", (CLINIC, HOME_A), (window(75, 105), window(0)), after="out")
DAY = Problem(
    requests=(OUT, OTHER, BACK),
    duties=(duty("one"), duty("two")),
    travel=Travel(time_s=WAYS * MINUTE, distance_km=WAYS / 2),
)


def stop(
    kind: StopKind, place: int, arrival: float, begin: float, end: float, name: str | None = None
) -> PlannedStop:
    return PlannedStop(
        kind=kind,
        place=place,
        arrival_s=arrival * MINUTE,
        begin_s=begin * MINUTE,
        end_s=end * MINUTE,
        request=name,
    )


ROUTE_ONE = Route(
    duty="one",
    stops=(
        stop(StopKind.START, DEPOT, 20, 20, 20),
        stop(StopKind.PICKUP, HOME_A, 30, 30, 32, "out"),
        stop(StopKind.DROPOFF, CLINIC, 52, 60, 63, "out"),
        stop(StopKind.END, DEPOT, 73, 73, 73),
    ),
)
ROUTE_TWO = Route(
    duty="two",
    stops=(
        stop(StopKind.START, DEPOT, 35, 35, 35),
        stop(StopKind.PICKUP, HOME_B, 50, 50, 52, "other"),
        stop(StopKind.DROPOFF, CLINIC, 62, 62, 65, "other"),
        stop(StopKind.PICKUP, CLINIC, 65, 75, 77, "back"),
        stop(StopKind.DROPOFF, HOME_A, 97, 97, 100, "back"),
        stop(StopKind.END, DEPOT, 110, 110, 110),
    ),
)
PLAN = Plan(routes=(ROUTE_ONE, ROUTE_TWO))


def truth(
    facts: dict[str, RequestFacts] | None = None, breakdown: dict[str, float] | None = None
) -> Truth:
    """The second hour of the day is slow by half; boarding `out` takes twice as long."""
    usual = {
        "out": RequestFacts(boarding_factor=2.0),
        "back": RequestFacts(boarding_factor=0.5),
    }
    return Truth(
        problem=DAY,
        facts={**usual, **(facts or {})},
        breakdown_s={name: at * MINUTE for name, at in (breakdown or {}).items()},
        hour_factor=lambda hour: 2.0 if hour == 1 else 1.0,
    )


def driven(real: Truth, policy: Policy | None = None) -> tuple[list[Event], DrivenDay]:
    record = drive(real, DAY, PLAN, policy or Follow())
    return record, results(DAY, record)


def times(record: list[Event], name: str) -> list[tuple[str, str | None, float]]:
    """What a duty did when, in minutes."""
    return [
        (event.kind.value, event.stop and event.stop.value, pytest.approx(event.at_s / MINUTE))
        for event in record
        if event.duty == name
    ]


def test_the_plan_is_one() -> None:
    assert check(DAY, PLAN) == []


def test_every_time_is_as_worked_out_by_hand() -> None:
    record, day = driven(truth())
    assert times(record, "one") == [
        ("departed", "pickup", 10),  # to be there ten minutes before the plan
        ("arrived", "pickup", 20),
        ("began", "pickup", 30),  # told 35, and ready five minutes before
        ("ended", "pickup", 34),  # twice two minutes
        ("departed", "dropoff", 34),
        ("arrived", "dropoff", 54),
        ("began", "dropoff", 60),  # the window opens
        ("ended", "dropoff", 63),
        ("departed", "end", 63),
        ("arrived", "end", 83),  # ten minutes of way in the slow hour
    ]
    assert times(record, "two") == [
        ("departed", "pickup", 25),
        ("arrived", "pickup", 40),
        ("began", "pickup", 50),
        ("ended", "pickup", 52),
        ("departed", "dropoff", 52),
        ("arrived", "dropoff", 64),  # eight minutes, and two that take four
        ("began", "dropoff", 64),
        ("ended", "dropoff", 67),
        ("departed", "pickup", 67),
        ("arrived", "pickup", 67),  # it is the same place
        ("began", "pickup", 75),
        ("ended", "pickup", 76),  # half of two minutes
        ("departed", "dropoff", 76),
        ("arrived", "dropoff", 116),
        ("began", "dropoff", 116),
        ("ended", "dropoff", 119),
        ("departed", "end", 119),
        ("arrived", "end", 129.5),  # half a minute of way takes one, nine and a half as long
    ]
    told = {e.request: e.told_s for e in record if e.kind is EventKind.TOLD}
    assert told == {"out": 35 * MINUTE, "other": 55 * MINUTE, "back": 80 * MINUTE}
    out, other, back = day.requests
    assert (out.on_time, out.appointment_on_time, out.late_s) == (True, True, 0.0)
    assert (out.ride_s, out.direct_s) == (26 * MINUTE, 20 * MINUTE)
    assert (other.on_time, other.appointment_on_time) == (True, None)
    assert (back.duty, back.pickup_s, back.dropoff_s) == ("two", 75 * MINUTE, 116 * MINUTE)
    one, two = day.duties
    assert (one.working_s, two.working_s) == (73 * MINUTE, 104.5 * MINUTE)
    assert (one.served, two.served, two.overtime_s) == (1, 2, 0.0)
    kpis = day.kpis()
    assert (kpis.served, kpis.pickups_on_time, kpis.appointments_on_time) == (3, 3, 1)
    assert kpis.working_min == pytest.approx(177.5)
    assert kpis.loaded_km == pytest.approx(10 + 5 + 10)
    assert kpis.empty_km == pytest.approx(5 + 5 + 7.5 + 5)


def outcomes(day: DrivenDay) -> list[str]:
    return [result.outcome.value for result in day.requests]


def test_a_driver_waits_five_minutes_for_one_who_is_not_there() -> None:
    record, day = driven(truth({"other": RequestFacts(shows_up=False)}))
    assert outcomes(day) == ["served", "no_show", "served"]
    assert times(record, "two")[2:5] == [
        ("no_show", "pickup", 60),  # told 55
        ("departed", "pickup", 60),
        ("arrived", "pickup", 80),
    ]
    assert day.kpis().empty_km == pytest.approx(5 + 5 + 7.5 + 5 + 5)


def test_the_return_of_one_who_was_not_there_is_held() -> None:
    record, day = driven(truth({"out": RequestFacts(shows_up=False)}))
    assert outcomes(day) == ["no_show", "served", "held"]
    assert times(record, "two")[8:] == [("departed", "end", 67), ("arrived", "end", 87)]


def test_a_leg_that_has_begun_ends_for_nothing_when_the_patient_calls_off() -> None:
    record, day = driven(truth({"other": RequestFacts(cancelled_s=30 * MINUTE)}))
    assert outcomes(day) == ["served", "cancelled", "served"]
    assert times(record, "two")[:4] == [
        ("departed", "pickup", 25),
        ("arrived", None, 40),
        ("departed", "pickup", 55),  # 75 less ten minutes of way less ten
        ("arrived", "pickup", 70),
    ]


def test_a_driver_at_the_door_drives_on_when_the_patient_calls_off() -> None:
    record, day = driven(truth({"other": RequestFacts(cancelled_s=45 * MINUTE)}))
    assert outcomes(day) == ["served", "cancelled", "served"]
    assert times(record, "two")[2] == ("departed", "pickup", 55)


def test_nobody_on_board_calls_off() -> None:
    _, day = driven(truth({"other": RequestFacts(cancelled_s=51 * MINUTE)}))
    assert outcomes(day) == ["served"] * 3


def test_with_the_outbound_leg_the_return_is_called_off() -> None:
    _, day = driven(truth({"out": RequestFacts(cancelled_s=5 * MINUTE)}))
    assert outcomes(day) == ["cancelled", "served", "cancelled"]
    assert [result.duty for result in day.duties] == ["two"]


def test_a_return_waits_for_the_outbound_leg() -> None:
    record, day = driven(truth({"out": RequestFacts(boarding_factor=25.0)}))
    # on board at 80, forty minutes of slow way, three to alight, ten to stay
    assert day.requests[2].pickup_s == 133 * MINUTE
    assert day.requests[2].late_s == (133 - 80) * MINUTE
    assert not day.requests[2].on_time
    assert ("began", "pickup", 133) in times(record, "two")


def test_who_is_on_board_of_a_broken_vehicle_is_brought_home_and_nobody_else() -> None:
    record, day = driven(truth(breakdown={"two": 55}))
    assert outcomes(day) == ["served", "served", "unserved"]
    assert times(record, "two")[-1] == ("ended", "dropoff", 67)
    assert day.duties[1].broke_down
    assert day.duties[1].return_s == 67 * MINUTE


def test_another_vehicle_fetches_those_of_a_broken_one() -> None:
    _, day = driven(truth(breakdown={"two": 55}), Insert())
    assert outcomes(day) == ["served"] * 3
    assert day.requests[2].duty == "one"
    assert day.refused == 0


READY = {"back": RequestFacts(ready_s=90 * MINUTE)}


def test_following_a_plan_a_vehicle_waits_for_the_call() -> None:
    record, day = driven(truth(READY))
    asked = [event.at_s / MINUTE for event in record if event.kind is EventKind.NOT_READY]
    assert asked == [67]
    assert day.requests[2].pickup_s == 90 * MINUTE
    assert day.requests[2].told_s is None
    assert day.requests[2].on_time  # within half an hour of being ready


def test_inserting_a_will_call_leg_is_set_aside_and_planned_when_the_patient_calls() -> None:
    record, day = driven(truth(READY), Insert())
    assert outcomes(day) == ["served"] * 3
    # the second vehicle has gone home meanwhile: it arrives at 87 and comes back, slowly
    assert times(record, "two")[8:11] == [
        ("not_ready", "pickup", 67),
        ("departed", "end", 67),
        ("arrived", "end", 87),
    ]
    assert day.requests[2].on_time


def test_a_booking_of_the_day_is_inserted_or_left() -> None:
    late = {"other": RequestFacts(booked_s=20 * MINUTE)}
    without = Plan(
        routes=(ROUTE_ONE, replace(ROUTE_TWO, stops=(ROUTE_TWO.stops[0], *ROUTE_TWO.stops[3:])))
    )
    followed = results(DAY, drive(truth(late), DAY, without, Follow()))
    assert [r.outcome for r in followed.requests][1] is Standing.UNSERVED
    record = drive(truth(late), DAY, without, Insert())
    inserted = results(DAY, record)
    assert outcomes(inserted) == ["served"] * 3
    booked = [event.at_s for event in record if event.kind is EventKind.BOOKED]
    told = [e.at_s for e in record if e.kind is EventKind.TOLD and e.request == "other"]
    assert booked == told == [20 * MINUTE]


def test_a_way_to_the_same_place_takes_no_time() -> None:
    wrong = replace(DAY, travel=Travel(time_s=WAYS * MINUTE + 1.0, distance_km=WAYS))
    with pytest.raises(ValueError, match="itself"):
        Truth(problem=wrong)


def test_who_is_ready_early_is_fetched_by_whoever_comes_first() -> None:
    """Ready at 62, planned at 75 on the second vehicle, within half an hour: it stays as it is.

    Within one minute that vehicle would be late; the first one, at the clinic until 63, is not.
    """
    early = truth({"back": RequestFacts(ready_s=62 * MINUTE)})
    alone = replace(DAY, requests=(OUT, OTHER, replace(BACK, link=None)))
    for wait, expected in ((30, "two"), (1, "one")):
        conduct = Conduct(will_call_window_s=wait * MINUTE)
        record = drive(replace(early, problem=alone), alone, PLAN, Insert(), conduct)
        day = results(alone, record, conduct)
        assert outcomes(day) == ["served"] * 3
        assert day.requests[2].duty == expected


@dataclass
class Looking:
    """Drives on, and keeps what it sees of the rest of the day, by minute."""

    seen: dict[int, Remainder] = field(default_factory=dict)

    def decide(self, state: DayState, event: Event) -> Decision:
        if event.duty == "two":
            self.seen[round(state.now_s / MINUTE)] = remainder(state)
        return Decision()


def test_the_rest_of_the_day_is_stated_as_it_stands() -> None:
    looking = Looking()
    driven(truth(), looking)
    assert sorted(looking.seen) == [52, 67, 76, 119]
    boarded = looking.seen[52]
    two = boarded.problem.duties[1]
    assert (two.start_place, two.shift.open_s) == (HOME_B, 52 * MINUTE)
    assert two.committed == (Committed(kind="pickup", request="other", begin_s=52 * MINUTE),)
    # the first duty, on its way to the clinic since 34, is expected there at 54
    one = boarded.problem.duties[0]
    assert (one.start_place, one.shift.open_s) == (CLINIC, 54 * MINUTE)
    assert [stop.request for stop in one.committed] == ["out", "out"]
    assert [len(r.stops) for r in boarded.present.routes] == [4, 6]
    # nobody on board: the duty's time counts from 67 on, though its next pickup is at 75
    waiting = looking.seen[67]
    assert evaluate(waiting.problem, waiting.present).working_min == 110 - 67
    assert {request.id for request in waiting.problem.requests} == {"back"}
    # late by more than its ways allow, and waived by as much
    assert looking.seen[76].problem.waivers == ()
    assert looking.seen[119].present.routes == ()


def test_who_is_on_board_has_the_ride_time_that_is_left() -> None:
    limited = replace(DAY, requests=(replace(OUT, max_ride_s=30 * MINUTE), OTHER, BACK))
    looking = Looking()
    drive(replace(truth(), problem=limited), limited, PLAN, looking)
    out = looking.seen[52].problem.requests[0]
    assert out.id == "out"  # on its way since 34, expected at 54: nothing of the pickup is left
    assert out.max_ride_s == (30 - 20) * MINUTE
    assert out.pickup == Visit(place=CLINIC, window=TimeWindow(54 * MINUTE, 54 * MINUTE))


def test_what_is_late_is_waived_by_as_much() -> None:
    looking = Looking()
    driven(truth({"other": RequestFacts(boarding_factor=20.0)}), looking)
    late = looking.seen[90]  # on board at 90, at the clinic at 100, the return at 103, told 80
    waiver = late.problem.waivers[0]
    assert (waiver.rule, waiver.subject) == (Rule.WINDOW, "back")
    assert waiver.excess_s == pytest.approx((103 - 85) * MINUTE, abs=2.0)
    assert check(late.problem, late.present) == []
    assert check(late.problem, late.present, waivers=()) != []


@dataclass(frozen=True)
class Meddling:
    """Plans once, at 52, what may not be: `spoil` makes a plan of the present one."""

    spoil: Callable[[Remainder], Plan]

    def decide(self, state: DayState, event: Event) -> Decision:
        if event.duty != "two" or round(state.now_s / MINUTE) != 52:
            return Decision()
        return Decision(plan=self.spoil(remainder(state)))


def without_the_return(rest: Remainder) -> Plan:
    return without(rest.present, "back")


def home_first(rest: Remainder) -> Plan:
    """The passenger on board of the second duty stays on board."""
    one, two = rest.present.routes
    return replace(rest.present, routes=(one, replace(two, stops=two.stops[:2] + two.stops[-1:])))


def sooner(rest: Remainder) -> Plan:
    """The return is fetched before the vehicle can be there."""
    one, two = rest.present.routes
    moved = [replace(s, begin_s=s.begin_s - 600, end_s=s.end_s - 600) for s in two.stops[3:]]
    return replace(rest.present, routes=(one, replace(two, stops=(*two.stops[:3], *moved))))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (without_the_return, "back was told a time and would not be fetched"),
        (home_first, "other"),
        (sooner, "travel"),
    ],
)
def test_a_plan_that_breaks_a_commitment_is_refused_and_the_day_goes_on(
    spoil: Callable[[Remainder], Plan], reason: str
) -> None:
    record, day = driven(truth(), Meddling(spoil))
    refused = [event for event in record if event.kind is EventKind.REFUSED]
    assert any(reason in (event.detail or "") for event in refused)
    assert day.refused == len(refused)
    followed, _ = driven(truth())
    assert [event for event in record if event.kind is not EventKind.REFUSED] == followed
