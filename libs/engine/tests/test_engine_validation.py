"""What cannot be right whatever the plan is refused, with the name of the field."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from atmr_engine.problem import (
    Break,
    Capacity,
    Committed,
    Duty,
    Link,
    Load,
    Problem,
    ProblemError,
    Request,
    TimeWindow,
    Travel,
    Visit,
)
from atmr_engine.rules import Rule, Waiver

MATRIX = np.ones((2, 2))
A = Request(id="a", pickup=Visit(place=0), dropoff=Visit(place=1))
B = replace(A, id="b")
DUTY = Duty(
    id="d",
    capacity=Capacity(seats=1),
    shift=TimeWindow(0, 3600),
    breaks=(Break(duration_s=600, window=TimeWindow(0, 3000)),),
)


def state(
    *requests: Request,
    duties: tuple[Duty, ...] = (DUTY,),
    time_s: Any = MATRIX,
    distance_km: Any = MATRIX,
    waivers: tuple[Waiver, ...] = (),
) -> Problem:
    return Problem(
        requests=requests,
        duties=duties,
        travel=Travel(time_s=time_s, distance_km=distance_km),
        waivers=waivers,
    )


def with_entry(value: float) -> Any:
    matrix = MATRIX.copy()
    matrix[1, 0] = value
    return matrix


def committed(*stops: Committed) -> tuple[Duty, ...]:
    return (replace(DUTY, committed=stops),)


def pickup(who: str, begin_s: float | None = None) -> Committed:
    return Committed(kind="pickup", request=who, begin_s=begin_s)


DROP_A = Committed(kind="dropoff", request="a")
PAUSE = Committed(kind="break")


def test_what_can_be_right_is_accepted() -> None:
    chain = replace(B, link=Link(after="a"), max_ride_s=math.inf, locked_duty="d")
    duties = committed(pickup("a", 10), DROP_A, PAUSE, pickup("b", 20))
    state(A, chain, duties=duties, time_s=with_entry(math.inf))
    state()
    state(duties=())


WRONG: dict[str, tuple[dict[str, Any], tuple[Request, ...]]] = {
    "travel.time_s[1, 0]": ({"time_s": with_entry(math.nan)}, ()),
    "travel.distance_km[1, 0]": ({"distance_km": with_entry(-1.0)}, ()),
    "travel.time_s": ({"time_s": np.ones((2, 3))}, ()),
    "travel.distance_km": ({"distance_km": np.ones((3, 3))}, ()),
    "requests[1].id": ({}, (A, A)),
    "requests[0].id": ({}, (replace(A, id=""),)),
    "duties[1].id": ({"duties": (DUTY, DUTY)}, ()),
    "requests[0].pickup.place": ({}, (replace(A, pickup=Visit(place=2)),)),
    "requests[1].dropoff.place": ({}, (B, replace(A, dropoff=Visit(place=-1)))),
    "requests[0].pickup.window": (
        {},
        (replace(A, pickup=Visit(place=0, window=TimeWindow(9, 8))),),
    ),
    "requests[0].dropoff.window": (
        {},
        (replace(A, dropoff=Visit(place=0, window=TimeWindow(0, math.nan))),),
    ),
    "requests[0].dropoff.window.open_s": (
        {},
        (replace(A, dropoff=Visit(place=0, window=TimeWindow(-math.inf, 8))),),
    ),
    "requests[0].pickup.service_s": ({}, (replace(A, pickup=Visit(place=0, service_s=-1)),)),
    "requests[0].load.wheelchairs": ({}, (replace(A, load=Load(wheelchairs=-1)),)),
    "requests[0].max_ride_s": ({}, (replace(A, max_ride_s=math.nan),)),
    "requests[0].crew": ({}, (replace(A, crew=-1),)),
    "requests[0].cleaning_s": ({}, (replace(A, cleaning_s=math.inf),)),
    "requests[0].priority": ({}, (replace(A, priority=-1),)),
    "requests[0].locked_duty": ({}, (replace(A, locked_duty="nobody"),)),
    "requests[0].link.after": ({}, (replace(A, link=Link(after="nobody")),)),
    "requests[0].link.stay_s": ({}, (replace(A, link=Link(after="b", stay_s=-1)), B)),
    "requests[0].link": (
        {},
        (replace(A, link=Link(after="b")), replace(B, link=Link(after="a"))),
    ),
    "duties[0].capacity.seats": ({"duties": (replace(DUTY, capacity=Capacity(seats=-1)),)}, ()),
    "duties[0].capacity.fold_seats_per_stretcher": (
        {"duties": (replace(DUTY, capacity=Capacity(seats=1, fold_seats_per_stretcher=-1)),)},
        (),
    ),
    "duties[0].shift": ({"duties": (replace(DUTY, shift=TimeWindow(9, 8)),)}, ()),
    "duties[0].start_place": ({"duties": (replace(DUTY, start_place=2),)}, ()),
    "duties[0].end_place": ({"duties": (replace(DUTY, end_place=-1),)}, ()),
    "duties[0].max_duration_s": ({"duties": (replace(DUTY, max_duration_s=-1),)}, ()),
    "duties[0].breaks[0]": (
        {"duties": (replace(DUTY, breaks=(Break(duration_s=3601, window=TimeWindow(0)),)),)},
        (),
    ),
    "duties[0].breaks[0].window": (
        {
            "duties": (
                replace(
                    DUTY,
                    shift=TimeWindow(100, 900),
                    breaks=(Break(duration_s=1, window=TimeWindow(0, 99)),),
                ),
            )
        },
        (),
    ),
    "duties[0].breaks[0].duration_s": (
        {"duties": (replace(DUTY, breaks=(Break(duration_s=-1, window=TimeWindow(0)),)),)},
        (),
    ),
    "duties[0].committed[0].request": ({"duties": committed(pickup("nobody"))}, ()),
    "duties[0].committed[0].kind": ({"duties": committed(Committed(kind="lunch"))}, ()),
    "duties[0].committed[0]": ({"duties": committed(DROP_A, pickup("a"))}, (A,)),
    "duties[0].committed[1]": ({"duties": committed(pickup("a"), pickup("a"))}, (A,)),
    "duties[0].committed[2]": ({"duties": committed(PAUSE, pickup("a"), PAUSE)}, (A,)),
    "duties[0].committed[1].begin_s": (
        {"duties": committed(pickup("a", 10), pickup("b", 9))},
        (A, B),
    ),
    "duties[1].committed[0]": (
        {"duties": (*committed(pickup("a")), replace(*committed(pickup("a")), id="e"))},
        (A,),
    ),
    "waivers[0].subject": (
        {
            "waivers": (
                Waiver(rule=Rule.SHIFT, subject="a", excess_s=1, reason="jam", granted_by="Eve"),
            )
        },
        (A,),
    ),
}


@pytest.mark.parametrize("field", WRONG)
def test_what_is_wrong_is_named(field: str) -> None:
    parts, requests = WRONG[field]
    with pytest.raises(ProblemError) as caught:
        state(*requests, **parts)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")


def test_a_long_chain_of_links_is_no_circle_and_a_request_cannot_follow_itself() -> None:
    chain = [replace(A, id="r0")]
    chain += [replace(A, id=f"r{n}", link=Link(after=f"r{n - 1}")) for n in range(1, 3_000)]
    assert len(state(*reversed(chain)).requests) == 3_000
    with pytest.raises(ProblemError, match="follow itself"):
        state(replace(A, link=Link(after="a")))


def test_a_committed_request_cannot_be_pinned_elsewhere() -> None:
    duties = (*committed(pickup("a")), replace(DUTY, id="e"))
    with pytest.raises(ProblemError, match="locked to duty 'e'"):
        state(replace(A, locked_duty="e"), duties=duties)


def test_a_matrix_is_an_array_of_float64() -> None:
    with pytest.raises(ProblemError, match="float64"):
        state(time_s=MATRIX.astype(np.float32))
    with pytest.raises(ProblemError, match="float64"):
        state(time_s=[[0.0]])
