"""Twenty made days of 16 requests with every constraint, small enough for a proven optimum.

Synthetic. `rich_problems.py` makes larger and wilder ones; here nearly everything can be served,
so that a gap says something about routes, and windows are those of an ordinary day.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, asdict, fields, is_dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from atmr_engine.objective import Weights
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

NUMBERS = (0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 21, 22)
"""Those of the first days whose proof takes seconds to half a minute (5 and 14 take minutes)."""
MINUTE, HOUR = 60.0, 3600.0
REGION_KM = 14.0
DEPOTS, CLINICS, PATIENTS = 3, 3, 8
PLACES = DEPOTS + CLINICS + PATIENTS
LOADS = (
    Load(seats=1),
    Load(seats=1),
    Load(seats=1),
    Load(seats=2),
    Load(wheelchairs=1),
    Load(wheelchairs=1),
    Load(seats=1, wheelchairs=1),
    Load(stretchers=1),
)
DRIVERS = (SameDriver.FREE, SameDriver.PREFER, SameDriver.PREFER, SameDriver.REQUIRE)


def rich_instance(number: int) -> Problem:
    """One of the days, by number."""
    random = np.random.default_rng([16, number])
    travel = travel_between_places(random)
    duties = fleet(random)
    requests = []
    for patient in range(PATIENTS):
        out = outbound(random, patient, travel)
        requests += [out, homeward(random, patient, out)]
    pinned = 2 * int(random.integers(PATIENTS))
    requests[pinned] = pinned_where_it_fits(requests[pinned], duties[0])
    return Problem(
        requests=tuple(requests), duties=duties, travel=travel, weights=Weights(duties_used=5.0)
    )


def fingerprint(problem: Problem) -> str:
    """Tells whether a stored optimum belongs to the instance that this machine makes."""
    parts = [stated(request) for request in problem.requests]
    parts += [stated(duty) for duty in problem.duties]
    said = json.dumps([*parts, stated(problem.weights)], default=plain)
    tables = problem.travel.time_s.tobytes() + problem.travel.distance_km.tobytes()
    return hashlib.sha256(said.encode() + tables).hexdigest()[:16]


def stated(part: Request | Duty | Problem | Weights) -> dict[str, object]:
    """The fields that are not left at their defaults: one that is added later changes nothing."""
    return {
        item.name: getattr(part, item.name)
        for item in fields(part)
        if item.default is MISSING or getattr(part, item.name) != item.default
    }


def plain(value: object) -> object:
    """What JSON knows."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return sorted(value) if isinstance(value, frozenset) else repr(value)


def travel_between_places(random: Generator) -> Travel:
    """Asymmetric ways, times in whole seconds with no way round that is quicker (two min a km)."""
    points = random.uniform(0.0, REGION_KM, (PLACES, 2))
    apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    distance_km = np.round(apart * random.uniform(1.1, 1.5, apart.shape), 3)
    return Travel(
        time_s=with_ways_round(np.round(distance_km * 2 * MINUTE)), distance_km=distance_km
    )


def pinned_where_it_fits(request: Request, duty: Duty) -> Request:
    """The request with a dispatcher's pin to a duty that could carry it alone."""
    fits = (
        request.load.stretchers <= duty.capacity.stretchers
        and request.skills <= duty.skills
        and request.crew <= duty.crew
    )
    return replace(request, locked_duty=duty.id) if fits else request


def with_ways_round(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The quickest ways (Floyd and Warshall)."""
    quickest = time_s.copy()
    for via in range(len(quickest)):
        quickest = np.minimum(quickest, quickest[:, via, None] + quickest[None, via])
    return quickest


def fleet(random: Generator) -> tuple[Duty, ...]:
    """Two vans, a car in the morning and one in the afternoon with one driver, an emergency one."""
    early = 7 * HOUR + quarters(random, 0, 4)
    van = Duty(
        id="van",
        capacity=Capacity(seats=4, wheelchairs=2, fold_seats_per_wheelchair=1),
        shift=TimeWindow(early, early + 9 * HOUR),
        start_place=0,
        end_place=0,
        driver="Ada",
        equipment=frozenset({"oxygen"}),
        breaks=(pause(30, early + 4 * HOUR),),
    )
    late = 7 * HOUR + quarters(random, 2, 6)
    stretcher_van = Duty(
        id="stretcher_van",
        capacity=Capacity(seats=3, wheelchairs=1, stretchers=1, fold_seats_per_stretcher=2),
        shift=TimeWindow(late, late + 9 * HOUR),
        start_place=0,
        end_place=0,
        driver="Ben",
        equipment=frozenset({"oxygen"}),
        skills=frozenset({"stairs"}),
        crew=2,
        breaks=(pause(15, late + 2.5 * HOUR), pause(30, late + 5.5 * HOUR)),
    )
    noon = 12 * HOUR + quarters(random, 0, 4)
    morning = Duty(
        id="morning_car",
        capacity=Capacity(seats=3),
        shift=TimeWindow(7 * HOUR, noon),
        start_place=1,
        driver="Cleo",
        skills=frozenset({"stairs"}),
        max_duration_s=4 * HOUR,
    )
    afternoon = replace(morning, id="afternoon_car", shift=TimeWindow(noon, 19 * HOUR), end_place=1)
    emergency = Duty(
        id="emergency",
        capacity=Capacity(
            seats=3,
            wheelchairs=1,
            stretchers=1,
            fold_seats_per_wheelchair=2,
            fold_seats_per_stretcher=3,
        ),
        shift=TimeWindow(7 * HOUR, 19 * HOUR),
        start_place=2,
        end_place=2,
        driver_kind=DriverKind.EMERGENCY,
        equipment=frozenset({"oxygen"}),
        skills=frozenset({"stairs"}),
        crew=2,
    )
    return van, stretcher_van, morning, afternoon, emergency


def pause(minutes: float, middle_s: float) -> Break:
    """A break that may begin within an hour and a half."""
    window = TimeWindow(middle_s - 45 * MINUTE, middle_s + 45 * MINUTE)
    return Break(duration_s=minutes * MINUTE, window=window)


def quarters(random: Generator, least: int, most: int) -> float:
    """A random number of quarters of an hour, in seconds."""
    return 15 * MINUTE * float(random.integers(least, most + 1))


def chance(random: Generator, probability: float) -> bool:
    return bool(random.random() < probability)


def outbound(random: Generator, patient: int, travel: Travel) -> Request:
    """From home to an appointment, dropped off at most 20 minutes before it."""
    at = 8.5 * HOUR + 42 * MINUTE * patient
    at += quarters(random, -2, 2) - at % (15 * MINUTE)
    home = DEPOTS + CLINICS + patient
    clinic = DEPOTS + int(random.integers(CLINICS))
    load = LOADS[int(random.integers(len(LOADS)))]
    infected = chance(random, 0.15)
    direct = max(float(travel.time_s[home, clinic]), float(travel.time_s[clinic, home]))
    return Request(
        id=f"out{patient}",
        pickup=Visit(place=home, service_s=(4 if load.wheelchairs else 2) * MINUTE),
        dropoff=Visit(place=clinic, window=TimeWindow(at - 20 * MINUTE, at), service_s=3 * MINUTE),
        load=load,
        max_ride_s=direct + float(random.choice([5, 10, 20])) * MINUTE,
        equipment=frozenset({"oxygen"}) if chance(random, 0.1) else frozenset(),
        skills=frozenset({"stairs"}) if chance(random, 0.15) else frozenset(),
        crew=2 if load.stretchers else 1,
        ride_alone=chance(random, 0.1),
        share_group="infection" if infected else "",
        cleaning_s=10 * MINUTE if infected else 0.0,
        priority=int(random.integers(3)),
    )


def homeward(random: Generator, patient: int, out: Request) -> Request:
    """Home again: picked up within 45 minutes around being ready, after the stay."""
    stay = 60 * MINUTE + quarters(random, 0, 6)
    ready = out.dropoff.window.close_s + stay
    return replace(
        out,
        id=f"back{patient}",
        pickup=Visit(
            place=out.dropoff.place,
            window=TimeWindow(ready - 20 * MINUTE, ready + 25 * MINUTE),
            service_s=3 * MINUTE,
        ),
        dropoff=Visit(place=out.pickup.place, service_s=out.pickup.service_s),
        link=Link(
            after=out.id,
            stay_s=stay,
            same_driver=DRIVERS[int(random.integers(len(DRIVERS)))],
        ),
    )
