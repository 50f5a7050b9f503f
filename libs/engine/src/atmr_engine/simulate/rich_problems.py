"""Made days in which every constraint of the engine occurs, small enough to look at: synthetic.

They are for tests and comparisons; nothing in them is calibrated to anything (demand.py is).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.problem import (
    Break,
    Capacity,
    DriverKind,
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
from atmr_engine.rules import Rule, Waiver
from atmr_engine.simulate.rich_constraints import with_reserves, with_unsteady_ways, with_wishes

if TYPE_CHECKING:
    from numpy.random import Generator

    from atmr_engine.weights import Weights

MINUTE = 60.0
HOUR = 3600.0
LOADS = (
    Load(seats=1),
    Load(seats=2),
    Load(wheelchairs=1),
    Load(seats=1, wheelchairs=1),
    Load(stretchers=1),
)
LINKS = (SameDriver.FREE, SameDriver.FREE, SameDriver.PREFER, SameDriver.REQUIRE)


@dataclass(frozen=True, slots=True)
class RichDay:
    """What the made day looks like: `size_km` across, `triangle` or not, the rest there or not."""

    requests: int
    duties: int
    size_km: float = 12.0
    triangle: bool = True
    waivers: bool = False
    wishes: bool = False
    unsteady: bool = False
    reserves: bool = False


def rich_problem(day: RichDay, seed: int, weights: Weights) -> Problem:
    """A day with linked legs, ride limits, skills, pins, sharing, breaks, shifts and all that.

    Half of the requests are outbound legs, the others their returns (an odd one has none).
    """
    random = np.random.default_rng(seed)
    duties = tuple(duty_of(random, index) for index in range(day.duties))
    requests: list[Request] = []
    while len(requests) < day.requests:
        requests.append(outbound(random, f"out{len(requests)}", duties))
        if len(requests) < day.requests:
            requests.append(homeward(random, f"back{len(requests)}", requests[-1]))
    places = 8 + 2 * max(1, day.requests)
    problem = Problem(
        requests=tuple(requests),
        duties=duties,
        travel=travel_of(random, day, places),
        weights=weights,
        waivers=waivers_of(random, requests, duties) if day.waivers else (),
    )
    if day.wishes:
        problem = with_wishes(problem, random)
    if day.unsteady:
        problem = with_unsteady_ways(problem, random)
    return with_reserves(problem, random) if day.reserves else problem


def travel_of(random: Generator, day: RichDay, places: int) -> Travel:
    """Asymmetric travel; without `triangle` some direct ways are longer than a way round."""
    points = random.uniform(0.0, day.size_km, (places, 2))
    apart = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    noise = random.uniform(1.0, 1.4, apart.shape)
    if not day.triangle:
        noise *= np.where(random.random(apart.shape) < 0.1, 3.0, 1.0)  # noqa: PLR2004 (one in ten)
        apart[random.random(apart.shape) < 0.01] = np.inf  # noqa: PLR2004 (one in a hundred)
        np.fill_diagonal(apart, 0.0)
    elif day.triangle:
        noise[:] = 1.0
    return Travel(time_s=np.round(apart * 2 * MINUTE * noise), distance_km=apart * noise)


def duty_of(random: Generator, index: int) -> Duty:
    """A duty with a shift of 4 to 10 hours, breaks or none, places and skills at random."""
    begin = float(random.integers(6, 12)) * HOUR
    end = begin + float(random.integers(4, 11)) * HOUR
    middle = (begin + end) / 2
    pauses = [
        Break(duration_s=30 * MINUTE, window=TimeWindow(middle - HOUR, middle + HOUR)),
        Break(duration_s=15 * MINUTE, window=TimeWindow(begin, begin + 2 * HOUR)),
    ]
    return Duty(
        id=f"duty{index}",
        capacity=Capacity(
            seats=int(random.integers(2, 5)),
            wheelchairs=int(random.integers(0, 3)),
            stretchers=int(random.integers(0, 2)),
            fold_seats_per_wheelchair=int(random.integers(0, 2)),
            fold_seats_per_stretcher=int(random.integers(0, 3)),
        ),
        shift=TimeWindow(begin, end),
        start_place=place_or_none(random),
        end_place=place_or_none(random),
        driver=f"driver{index // 2}" if chance(random, 0.5) else "",
        driver_kind=DriverKind.EMERGENCY if chance(random, 0.2) else DriverKind.REGULAR,
        equipment=frozenset({"oxygen"}) if chance(random, 0.5) else frozenset(),
        skills=frozenset({"stairs"}) if chance(random, 0.5) else frozenset(),
        crew=int(random.integers(1, 3)),
        breaks=tuple(pauses[: int(random.integers(0, 3))]),
        max_duration_s=float(random.choice([4 * HOUR, 8 * HOUR, np.inf])),
    )


def place_or_none(random: Generator) -> int | None:
    return int(random.integers(0, 8)) if chance(random, 0.8) else None


def chance(random: Generator, probability: float) -> bool:
    return bool(random.random() < probability)


def outbound(random: Generator, name: str, duties: tuple[Duty, ...]) -> Request:
    """A leg to an appointment, half an hour of window before it."""
    at = float(random.integers(7 * 4, 16 * 4)) * 15 * MINUTE
    pickup, dropoff = two_places(random)
    pinned = duties and chance(random, 0.1)
    return Request(
        id=name,
        pickup=Visit(place=pickup, service_s=2 * MINUTE),
        dropoff=Visit(place=dropoff, window=TimeWindow(at - 30 * MINUTE, at), service_s=3 * MINUTE),
        load=LOADS[int(random.integers(0, len(LOADS)))],
        max_ride_s=float(random.choice([30 * MINUTE, 60 * MINUTE, np.inf])),
        equipment=frozenset({"oxygen"}) if chance(random, 0.1) else frozenset(),
        skills=frozenset({"stairs"}) if chance(random, 0.1) else frozenset(),
        crew=2 if chance(random, 0.1) else 1,
        ride_alone=chance(random, 0.1),
        share_group="infection" if chance(random, 0.1) else "",
        cleaning_s=10 * MINUTE if chance(random, 0.1) else 0.0,
        priority=int(random.integers(0, 3)),
        locked_duty=duties[int(random.integers(0, len(duties)))].id if pinned else None,
    )


def homeward(random: Generator, name: str, out: Request) -> Request:
    """The leg back after a stay, within an hour and a half of being ready."""
    stay = float(random.integers(2, 9)) * 15 * MINUTE
    ready = out.dropoff.window.close_s + stay
    return Request(
        id=name,
        pickup=Visit(
            place=out.dropoff.place,
            window=TimeWindow(ready - HOUR, ready + 90 * MINUTE),
            service_s=2 * MINUTE,
        ),
        dropoff=Visit(place=out.pickup.place, service_s=2 * MINUTE),
        load=out.load,
        max_ride_s=out.max_ride_s,
        link=Link(
            after=out.id, stay_s=stay, same_driver=LINKS[int(random.integers(0, len(LINKS)))]
        ),
        priority=out.priority,
    )


def two_places(random: Generator) -> tuple[int, int]:
    first, second = random.choice(10, size=2, replace=False)
    return int(first), int(second)


def waivers_of(
    random: Generator, requests: list[Request], duties: tuple[Duty, ...]
) -> tuple[Waiver, ...]:
    """Leave to be late for some requests and duties, of every kind."""
    grants = [
        (rule, request.id)
        for request in requests
        for rule in (Rule.WINDOW, Rule.RIDE_TIME)
        if chance(random, 0.3)
    ]
    grants += [
        (rule, duty.id)
        for duty in duties
        for rule in (Rule.SHIFT, Rule.DURATION, Rule.BREAK)
        if chance(random, 0.3)
    ]
    return tuple(
        Waiver(
            rule=rule,
            subject=subject,
            excess_s=float(random.integers(1, 30)) * MINUTE,
            reason="synthetic delay",
            granted_by="synthetic dispatcher",
        )
        for rule, subject in grants
    )
