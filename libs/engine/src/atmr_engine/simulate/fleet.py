"""Made-up duties: shifts, breaks and vehicles of a mixed fleet, all of them assumptions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING

from atmr_engine.formats.csv_day import SYNTHETIC_PREFIX
from atmr_engine.formats.day_records import BreakRecord, DutyRecord, Point
from atmr_engine.problem import Capacity, DriverKind
from atmr_engine.simulate.geography import displaced
from atmr_engine.simulate.random_streams import Purpose, stream

if TYPE_CHECKING:
    from datetime import date, tzinfo

    from atmr_engine.simulate.geography import City

DUTIES_PER_DEPOT = 15
EMERGENCY_EVERY = 12
"""Every twelfth duty is an emergency driver's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Hours of the day in local time; the break lies wholly within its window."""

    start: time
    end: time
    break_from: time
    break_to: time
    break_min: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleKind:
    """A kind of vehicle, with the crew that comes with it."""

    capacity: Capacity
    equipment: frozenset[str] = frozenset()
    crew: int = 1


SHIFTS = (
    Shift(start=time(6, 30), end=time(15, 30), break_from=time(10, 30), break_to=time(13, 0)),
    Shift(start=time(8, 0), end=time(17, 30), break_from=time(11, 0), break_to=time(14, 0)),
    Shift(start=time(11, 30), end=time(21, 0), break_from=time(14, 30), break_to=time(17, 30)),
)
ACCESSIBLE_VAN = VehicleKind(
    capacity=Capacity(seats=5, wheelchairs=2, fold_seats_per_wheelchair=1),
    equipment=frozenset({"oxygen"}),
)
AMBULANCE = VehicleKind(
    capacity=Capacity(seats=2, wheelchairs=1, stretchers=1),
    equipment=frozenset({"oxygen", "stairs_chair"}),
    crew=2,
)
CAR = VehicleKind(capacity=Capacity(seats=4), equipment=frozenset({"oxygen"}))
VEHICLES = (ACCESSIBLE_VAN, ACCESSIBLE_VAN, AMBULANCE, ACCESSIBLE_VAN, CAR)


def fleet(day: date, zone: tzinfo, city: City, duties: int, seed: int) -> tuple[DutyRecord, ...]:
    """So many duties: shifts and vehicles in turn, each from and back to one of the depots."""
    return tuple(_duty(number, day, zone, _depot(number, city, seed)) for number in range(duties))


def _depot(number: int, city: City, seed: int) -> Point:
    random = stream(seed, Purpose.FLEET, number // DUTIES_PER_DEPOT)
    reach = 0.2 * city.radius_km * float(random.random())
    return displaced(city.centre, reach, math.tau * float(random.random()))


def _duty(number: int, day: date, zone: tzinfo, depot: Point) -> DutyRecord:
    vehicle = VEHICLES[number % len(VEHICLES)]
    shift = SHIFTS[number % len(SHIFTS)]
    emergency = number % EMERGENCY_EVERY == EMERGENCY_EVERY - 1

    def at(clock: time) -> datetime:
        return datetime.combine(day, clock, tzinfo=zone)

    return DutyRecord(
        id=f"{SYNTHETIC_PREFIX}D{number + 1:03}",
        driver=f"{SYNTHETIC_PREFIX}driver {number + 1:03}",
        driver_kind=DriverKind.EMERGENCY if emergency else DriverKind.REGULAR,
        vehicle=f"{SYNTHETIC_PREFIX}V{number + 1:03}",
        capacity=vehicle.capacity,
        equipment=vehicle.equipment,
        crew=vehicle.crew,
        start=depot,
        end=depot,
        shift_start=at(shift.start),
        shift_end=at(shift.end),
        breaks=(
            BreakRecord(
                minutes=shift.break_min, earliest=at(shift.break_from), latest=at(shift.break_to)
            ),
        ),
    )
