"""A plan computed by hand: valid at every limit, and refused by exactly the rule that it breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from atmr_engine.checker import check
from atmr_engine.plan import Plan, PlannedStop, Route, StopKind, Unserved
from atmr_engine.problem import (
    Break,
    Capacity,
    Committed,
    Duty,
    Link,
    Load,
    Problem,
    Request,
    SameDriver,
    TimeWindow,
    Travel,
    Visit,
)
from atmr_engine.rules import Rule, Violation, Waiver

if TYPE_CHECKING:
    from collections.abc import Callable

# Five places in a row, one kilometre and one minute apart.
_APART = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0)))
SLOWER = np.zeros((5, 5))
SLOWER[0, 1] = 1.0
OUT = Request(
    id="out",
    pickup=Visit(place=1, window=TimeWindow(60, 60), service_s=30),
    dropoff=Visit(place=3, window=TimeWindow(210, 210), service_s=30),
    load=Load(seats=1),
    max_ride_s=120,
    equipment=frozenset({"oxygen"}),
    skills=frozenset({"lift"}),
    crew=2,
    cleaning_s=60,
)
PAL = Request(
    id="pal",
    pickup=Visit(place=2),
    dropoff=Visit(place=3),
    load=Load(wheelchairs=1),
    max_ride_s=60,
    locked_duty="A",
)
BACK = Request(
    id="back",
    pickup=Visit(place=3, service_s=30),
    dropoff=Visit(place=1, service_s=30),
    link=Link(after="out", stay_s=660, same_driver=SameDriver.REQUIRE),
)
DUTY = Duty(
    id="A",
    driver="Ana",
    capacity=Capacity(seats=2, wheelchairs=1, fold_seats_per_wheelchair=1),
    shift=TimeWindow(0, 1140),
    start_place=0,
    end_place=0,
    equipment=frozenset({"oxygen"}),
    skills=frozenset({"lift"}),
    crew=2,
    breaks=(Break(duration_s=300, window=TimeWindow(600, 600)),),
    max_duration_s=1140,
)
SPARE = Duty(
    id="B",
    driver="Ben",
    capacity=Capacity(seats=1),
    shift=TimeWindow(0, 7200),
    breaks=(Break(duration_s=600, window=TimeWindow(0, 600)),),
)
DAY = Problem(
    requests=(OUT, PAL, BACK),
    duties=(DUTY, SPARE),
    travel=Travel(time_s=60.0 * _APART, distance_km=_APART),
)


def stop(
    kind: StopKind, place: int | None, arrival: float, begin: float, end: float, who: str | None
) -> PlannedStop:
    return PlannedStop(
        kind=kind, place=place, arrival_s=arrival, begin_s=begin, end_s=end, request=who
    )


STOPS = (
    stop(StopKind.START, 0, 0, 0, 0, None),
    stop(StopKind.PICKUP, 1, 60, 60, 90, "out"),
    stop(StopKind.PICKUP, 2, 150, 150, 150, "pal"),
    stop(StopKind.DROPOFF, 3, 210, 210, 210, "pal"),
    stop(StopKind.DROPOFF, 3, 210, 210, 300, "out"),
    stop(StopKind.BREAK, 3, 300, 600, 900, None),
    stop(StopKind.PICKUP, 3, 900, 900, 930, "back"),
    stop(StopKind.DROPOFF, 1, 1050, 1050, 1080, "back"),
    stop(StopKind.END, 0, 1140, 1140, 1140, None),
)
PLAN = Plan(routes=(Route(duty="A", stops=STOPS),))
BED = Capacity(seats=2, stretchers=1, fold_seats_per_stretcher=2)


def day(
    *,
    out: Request = OUT,
    pal: Request = PAL,
    back: Request = BACK,
    duty: Duty = DUTY,
    spare: Duty = SPARE,
) -> Problem:
    return replace(DAY, requests=(out, pal, back), duties=(duty, spare))


def plan_of(*stops: PlannedStop) -> Plan:
    return Plan(routes=(Route(duty="A", stops=stops),))


def with_stop(position: int, changed: PlannedStop) -> Plan:
    return plan_of(*STOPS[:position], changed, *STOPS[position + 1 :])


def with_another(kind: StopKind) -> Plan:
    return plan_of(*STOPS[:5], stop(kind, 3, 300, 300, 300, None), *STOPS[5:])


def broken(violations: list[Violation]) -> list[tuple[Rule, str]]:
    return [(violation.rule, violation.subject) for violation in violations]


def test_the_hand_made_plan_is_valid_at_every_limit() -> None:
    assert check(DAY, PLAN) == []


TIGHTER: dict[str, tuple[Problem, tuple[Rule, str]]] = {
    "a seat less": (
        day(duty=replace(DUTY, capacity=replace(DUTY.capacity, seats=1))),
        (Rule.CAPACITY, "pal"),
    ),
    "a folded seat more": (
        day(duty=replace(DUTY, capacity=replace(DUTY.capacity, fold_seats_per_wheelchair=2))),
        (Rule.CAPACITY, "pal"),
    ),
    "no wheelchair place": (
        day(duty=replace(DUTY, capacity=Capacity(seats=2))),
        (Rule.CAPACITY, "pal"),
    ),
    "a stretcher": (
        day(pal=replace(PAL, load=Load(stretchers=1))),
        (Rule.CAPACITY, "pal"),
    ),
    "a stretcher that folds seats": (
        day(pal=replace(PAL, load=Load(stretchers=1)), duty=replace(DUTY, capacity=BED)),
        (Rule.CAPACITY, "pal"),
    ),
    "no skill": (day(duty=replace(DUTY, skills=frozenset())), (Rule.SKILLS, "out")),
    "no equipment": (day(duty=replace(DUTY, equipment=frozenset())), (Rule.EQUIPMENT, "out")),
    "a crew of one": (day(duty=replace(DUTY, crew=1)), (Rule.CREW, "out")),
    "the first rides alone": (day(out=replace(OUT, ride_alone=True)), (Rule.SHARING, "pal")),
    "the second rides alone": (day(pal=replace(PAL, ride_alone=True)), (Rule.SHARING, "pal")),
    "another group": (day(pal=replace(PAL, share_group="flu")), (Rule.SHARING, "pal")),
    "another pin": (day(pal=replace(PAL, locked_duty="B")), (Rule.LOCK, "pal")),
    "a longer stay": (
        day(back=replace(BACK, link=Link(after="out", stay_s=661))),
        (Rule.LINK, "back"),
    ),
    "a longer way": (
        replace(DAY, travel=replace(DAY.travel, time_s=60.0 * _APART + SLOWER)),
        (Rule.TRAVEL, "out"),
    ),
    "a longer pickup": (
        day(out=replace(OUT, pickup=replace(OUT.pickup, service_s=31))),
        (Rule.TRAVEL, "out"),
    ),
    "longer cleaning": (day(out=replace(OUT, cleaning_s=61)), (Rule.TRAVEL, "out")),
    "a window opening later": (
        day(pal=replace(PAL, pickup=Visit(place=2, window=TimeWindow(151)))),
        (Rule.WINDOW, "pal"),
    ),
    "a committed drop-off first": (
        day(duty=replace(DUTY, committed=(Committed(kind="pickup", request="pal"),))),
        (Rule.LOCK, "pal"),
    ),
    "a committed time": (
        day(duty=replace(DUTY, committed=(Committed(kind="pickup", request="out", begin_s=61),))),
        (Rule.LOCK, "out"),
    ),
    "an earlier committed time": (
        day(duty=replace(DUTY, committed=(Committed(kind="pickup", request="out", begin_s=59),))),
        (Rule.LOCK, "out"),
    ),
    "a committed break first": (
        day(duty=replace(DUTY, committed=(Committed(kind="break"),))),
        (Rule.LOCK, "A"),
    ),
    "a committed beginning of an idle duty": (
        day(spare=replace(SPARE, committed=(Committed(kind="break"),))),
        (Rule.LOCK, "B"),
    ),
    "a second break": (
        day(duty=replace(DUTY, breaks=(*DUTY.breaks, DUTY.breaks[0]))),
        (Rule.BREAK, "A"),
    ),
    "a break that may not begin so early": (
        day(duty=replace(DUTY, breaks=(Break(duration_s=300, window=TimeWindow(601, 700)),))),
        (Rule.BREAK, "A"),
    ),
    "no break at all": (day(duty=replace(DUTY, breaks=())), (Rule.BREAK, "A")),
}


@pytest.mark.parametrize("name", TIGHTER)
def test_a_day_that_is_one_step_tighter_refuses_by_that_rule_alone(name: str) -> None:
    problem, expected = TIGHTER[name]
    found = check(problem, PLAN)
    assert set(broken(found)) == {expected}
    assert all(violation.excess > 0 for violation in found)


WAIVABLE: dict[str, tuple[Problem, tuple[Rule, str]]] = {
    "pickup window": (
        day(pal=replace(PAL, pickup=Visit(place=2, window=TimeWindow(0, 140)))),
        (Rule.WINDOW, "pal"),
    ),
    "drop-off window": (
        day(pal=replace(PAL, dropoff=Visit(place=3, window=TimeWindow(0, 200)))),
        (Rule.WINDOW, "pal"),
    ),
    "ride time": (day(pal=replace(PAL, max_ride_s=50)), (Rule.RIDE_TIME, "pal")),
    "shift's end": (day(duty=replace(DUTY, shift=TimeWindow(0, 1130))), (Rule.SHIFT, "A")),
    "shift's begin": (day(duty=replace(DUTY, shift=TimeWindow(10, 1140))), (Rule.SHIFT, "A")),
    "duration": (day(duty=replace(DUTY, max_duration_s=1130)), (Rule.DURATION, "A")),
    "late break": (
        day(duty=replace(DUTY, breaks=(Break(duration_s=300, window=TimeWindow(0, 590)),))),
        (Rule.BREAK, "A"),
    ),
    "short break": (
        day(duty=replace(DUTY, breaks=(Break(duration_s=310, window=TimeWindow(0, 700)),))),
        (Rule.BREAK, "A"),
    ),
}


@pytest.mark.parametrize("name", WAIVABLE)
def test_a_service_rule_yields_to_a_waiver_that_is_large_enough(name: str) -> None:
    problem, (rule, subject) = WAIVABLE[name]

    def waiver(excess_s: float, who: str = subject) -> Waiver:
        return Waiver(
            rule=rule, subject=who, excess_s=excess_s, reason="jam", granted_by="dispatcher"
        )

    [without] = check(problem, PLAN)
    assert (without.rule, without.subject, without.duty) == (rule, subject, "A")
    assert without.excess == pytest.approx(10.0)
    assert check(problem, PLAN, [waiver(10.0)]) == []
    assert check(replace(problem, waivers=(waiver(10.0),)), PLAN) == []
    assert check(replace(problem, waivers=(waiver(10.0),)), PLAN, []) == [without]
    [short] = check(problem, PLAN, [waiver(9.0), waiver(8.0)])
    assert short.excess == pytest.approx(1.0)
    stranger = "back" if subject == "pal" else "B"
    assert check(problem, PLAN, [waiver(10.0, stranger)]) == [without]


# Driving and promises have tests of their own.
SERVICE = {rule for _, (rule, _) in WAIVABLE.values()} | {Rule.DRIVING, Rule.PROMISE}


@pytest.mark.parametrize("rule", sorted(set(Rule) - SERVICE))
def test_a_physical_rule_cannot_be_waived(rule: Rule) -> None:
    with pytest.raises(ValueError, match="physical"):
        Waiver(rule=rule, subject="pal", excess_s=1.0, reason="jam", granted_by="dispatcher")


SWAPPED = plan_of(
    *STOPS[:2],
    replace(STOPS[3], place=3, arrival_s=210, begin_s=210, end_s=210),
    stop(StopKind.PICKUP, 2, 270, 270, 270, "pal"),
    *STOPS[4:],
)
REARRANGED: dict[str, tuple[Callable[[], Plan], set[tuple[Rule, str]]]] = {
    "nobody served, nobody listed": (
        lambda: Plan(routes=()),
        {(Rule.COVERAGE, "out"), (Rule.COVERAGE, "pal"), (Rule.COVERAGE, "back")},
    ),
    "served and listed": (
        lambda: replace(PLAN, unserved=(Unserved(request="pal", rule=Rule.WINDOW, reason="late"),)),
        {(Rule.COVERAGE, "pal")},
    ),
    "dropped off never": (lambda: plan_of(*STOPS[:7], STOPS[8]), {(Rule.COVERAGE, "back")}),
    "a stranger listed": (
        lambda: replace(PLAN, unserved=(Unserved(request="who", rule=Rule.WINDOW, reason="late"),)),
        {(Rule.COVERAGE, "who")},
    ),
    "two routes of one duty": (
        lambda: replace(PLAN, routes=(*PLAN.routes, Route(duty="A", stops=(STOPS[0], STOPS[0])))),
        {(Rule.COVERAGE, "A"), (Rule.ORDER, "A")},
    ),
    "a route of nobody": (
        lambda: replace(PLAN, routes=(*PLAN.routes, Route(duty="Z", stops=STOPS))),
        {(Rule.COVERAGE, "Z"), (Rule.COVERAGE, "out"), (Rule.COVERAGE, "pal")}
        | {(Rule.COVERAGE, "back")},
    ),
    "no end": (lambda: plan_of(*STOPS[:-1]), {(Rule.ORDER, "A")}),
    "no stops": (
        lambda: Plan(routes=(*PLAN.routes, Route(duty="B", stops=()))),
        {(Rule.ORDER, "B")},
    ),
    "a start on the way": (lambda: with_another(StopKind.START), {(Rule.ORDER, "A")}),
    "a pickup of nobody": (lambda: with_another(StopKind.PICKUP), {(Rule.ORDER, "A")}),
    "drop-off before pickup": (
        lambda: SWAPPED,
        {(Rule.ORDER, "pal"), (Rule.TRAVEL, "out"), (Rule.BREAK, "A")},
    ),
    "at the wrong place": (lambda: with_stop(5, replace(STOPS[5], place=4)), {(Rule.TRAVEL, "A")}),
    "a break nowhere": (
        lambda: with_stop(5, replace(STOPS[5], place=None)),
        {(Rule.TRAVEL, "A")},
    ),
    "no number for a time": (
        lambda: with_stop(5, replace(STOPS[5], begin_s=float("nan"))),
        {(Rule.TRAVEL, "A")},
    ),
    "service before arrival": (
        lambda: with_stop(6, replace(STOPS[6], begin_s=899, end_s=930)),
        {(Rule.TRAVEL, "back"), (Rule.LINK, "back")},
    ),
    "end before begin": (
        lambda: with_stop(0, replace(STOPS[0], arrival_s=0, begin_s=1, end_s=0)),
        {(Rule.TRAVEL, "A")},
    ),
    "break with somebody on board": (
        lambda: plan_of(
            *STOPS[:5],
            replace(STOPS[6], arrival_s=300),
            stop(StopKind.BREAK, 3, 930, 930, 930, None),
            *STOPS[7:],
        ),
        {(Rule.BREAK, "A")},
    ),
    "break left out": (lambda: plan_of(*STOPS[:5], *STOPS[6:]), {(Rule.BREAK, "A")}),
}


@pytest.mark.parametrize("name", REARRANGED)
def test_a_rearranged_plan_is_refused_by_the_rules_that_it_breaks(name: str) -> None:
    make, expected = REARRANGED[name]
    found = broken(check(DAY, make()))
    assert set(found) >= expected
    assert {rule for rule, _ in found} == {rule for rule, _ in expected}


def test_a_linked_leg_needs_the_driver_that_it_requires_wherever_he_drives() -> None:
    later = (
        stop(StopKind.START, None, 900, 900, 900, None),
        *STOPS[6:8],
        stop(StopKind.END, None, 1080, 1080, 1080, None),
    )
    way_home = stop(StopKind.END, 0, 1080, 1080, 1080, None)
    plan = Plan(
        routes=(Route(duty="A", stops=(*STOPS[:6], way_home)), Route(duty="B", stops=later))
    )
    spare = replace(SPARE, breaks=())
    assert broken(check(day(spare=spare), plan)) == [(Rule.LINK, "back")]
    assert check(day(spare=replace(spare, driver="Ana")), plan) == []
    nameless = day(duty=replace(DUTY, driver=""), spare=replace(spare, driver=""))
    assert broken(check(nameless, plan)) == [(Rule.LINK, "back")]
    assert check(nameless, PLAN) == []


def test_a_waiver_as_long_as_the_break_lets_it_fall_away() -> None:
    waiver = Waiver(rule=Rule.BREAK, subject="A", excess_s=300, reason="jam", granted_by="Eve")
    assert check(DAY, plan_of(*STOPS[:5], *STOPS[6:]), [waiver]) == []


def test_two_breaks_may_be_taken_in_either_order() -> None:
    short = Break(duration_s=60, window=TimeWindow(0, 700))
    plan = plan_of(
        *STOPS[:5],
        stop(StopKind.BREAK, 3, 300, 300, 600, None),
        stop(StopKind.BREAK, 3, 600, 600, 660, None),
        *STOPS[6:],
    )
    long = Break(duration_s=300, window=TimeWindow(0, 700))
    for breaks in ((short, long), (long, short)):
        assert check(day(duty=replace(DUTY, breaks=breaks)), plan) == []
    assert broken(check(day(duty=replace(DUTY, breaks=(long, long))), plan)) == [(Rule.BREAK, "A")]


def test_rounded_times_are_judged_with_a_wider_tolerance() -> None:
    plan = with_stop(1, replace(STOPS[1], arrival_s=59.996, begin_s=59.996, end_s=89.996))
    assert broken(check(DAY, plan)) != []
    assert check(DAY, plan, tolerance_s=0.01) == []
