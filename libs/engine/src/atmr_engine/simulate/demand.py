"""Generated days of transports, calibrated to published aggregates of a Geneva operator.

They are synthetic and say so: in every id, in `Day.synthetic`, in the names of their files. For a
seed, a day is the same on every machine; a longer day begins like a shorter one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from atmr_engine.formats.csv_day import SYNTHETIC_PREFIX
from atmr_engine.formats.day import Day
from atmr_engine.formats.day_records import BookingRecord, Direction
from atmr_engine.simulate.calibration import Assumptions, Fitting, OperatorFacts
from atmr_engine.simulate.clients import Client, Population
from atmr_engine.simulate.fleet import fleet
from atmr_engine.simulate.geography import City
from atmr_engine.simulate.random_streams import Purpose, stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

    import numpy as np

LAST_MINUTE = 24 * 60 - 15
ONE_WAY_TO_CARE = 0.5
"""Of journeys without a return; the others come home (an assumption)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What to generate: a company of `scale` times the operator's size, on `day`, in `city`.

    `bookings` (legs) and `duties`, where given, are met exactly; otherwise the day's demand is
    drawn, and duties are as many as the operator has for it.

    Raises:
        ValueError: naming the field, for a negative count or a scale that is not positive.

    """

    scale: float = 1.0
    bookings: int | None = None
    duties: int | None = None
    day: date = date(2026, 3, 12)
    zone: tzinfo = field(default_factory=lambda: ZoneInfo("Europe/Zurich"))
    city: City = field(default_factory=City)
    facts: OperatorFacts = field(default_factory=OperatorFacts)
    assumed: Assumptions = field(default_factory=Assumptions)
    fitting: Fitting = field(default_factory=Fitting)

    def __post_init__(self) -> None:
        if not 0.0 < self.scale <= 10_000.0:  # noqa: PLR2004 (a country)
            raise ValueError(f"scale must be positive and at most 10,000, not {self.scale}")
        for name in ("bookings", "duties"):
            count = getattr(self, name)
            if count is not None and not 0 <= count <= 100_000:  # noqa: PLR2004 (a country)
                raise ValueError(f"{name} must be between 0 and 100,000, not {count}")


def generate_day(demand: Demand, seed: int = 0) -> Day:
    """A synthetic day: the same for the same demand and seed.

    Raises:
        ValueError: for a seed that is negative or beyond 64 bits.

    """
    scale = demand.scale
    if demand.bookings is not None:
        usual = demand.facts.legs_by_weekday[demand.day.weekday()]
        scale = max(demand.bookings, 1) / usual
    population = Population(
        city=demand.city,
        facts=demand.facts,
        assumed=demand.assumed,
        fitting=demand.fitting,
        scale=scale,
        seed=seed,
    )
    bookings = _numbered(demand.day, _legs(demand, population, seed))
    duties = demand.duties
    if duties is None:
        duties = max(1, round(len(bookings) / demand.facts.rides_per_driver))
    return Day(
        date=demand.day,
        zone=demand.zone,
        bookings=bookings,
        duties=fleet(demand.day, demand.zone, demand.city, duties, seed),
        synthetic=True,
    )


def _legs(demand: Demand, population: Population, seed: int) -> list[list[BookingRecord]]:
    """The journeys of the day, each with one leg or two."""
    if demand.bookings is None:
        count = _journeys(demand, population, seed)
        return list(islice(_journeys_of(demand, population, seed), count))
    journeys: list[list[BookingRecord]] = []
    missing = demand.bookings
    for journey in _journeys_of(demand, population, seed):
        if not missing:
            break
        journeys.append(journey[:missing])
        missing -= len(journeys[-1])
    return journeys


def _journeys(demand: Demand, population: Population, seed: int) -> int:
    """Journeys of the day: its standing orders, and a Poisson number of others."""
    random = stream(seed, Purpose.DAY, demand.day.toordinal())
    others = 1.0 - demand.fitting.standing_share
    mean = others * population.expected_journeys(demand.day.weekday())
    return population.standing_journeys(demand.day) + int(random.poisson(mean))


def _journeys_of(
    demand: Demand, population: Population, seed: int
) -> Iterator[list[BookingRecord]]:
    for number, client in enumerate(population.visitors(demand.day)):
        random = stream(seed, Purpose.VISIT, demand.day.toordinal(), 1_000_000 + number)
        yield _Journey(demand, client, random).legs()


def _numbered(day: date, journeys: list[list[BookingRecord]]) -> tuple[BookingRecord, ...]:
    """All legs with ids that no other day has; the return names its outbound leg."""
    numbered: list[BookingRecord] = []
    for journey in journeys:
        outbound: str | None = None
        for leg in journey:
            identifier = f"{SYNTHETIC_PREFIX}B{day:%y%m%d}-{len(numbered) + 1:04}"
            numbered.append(replace(leg, id=identifier, linked_booking_id=outbound))
            outbound = identifier
    return tuple(numbered)


@dataclass(frozen=True, slots=True)
class _Journey:
    demand: Demand
    client: Client
    random: np.random.Generator

    def legs(self) -> list[BookingRecord]:
        """One way (from care, or to it), or out and back."""
        accompanied = int(self._happens(self.demand.assumed.companion_share))
        there_and_back = self._happens(self.demand.facts.round_trip_share)
        if there_and_back:
            return [
                self._outbound(self.client.outbound_min, accompanied),
                self._return(self._return_min(), accompanied),
            ]
        if self._happens(ONE_WAY_TO_CARE):
            return [self._outbound(self.client.one_way_min, accompanied)]
        return [self._return(self.client.one_way_min, accompanied)]

    def _happens(self, probability: float) -> bool:
        return float(self.random.random()) < probability

    def _return_min(self) -> int:
        """When the return is, mostly on the hour, and not before the shortest stay."""
        raw = self.client.outbound_min + self.client.stay_min
        step = 60 if self._happens(self.demand.fitting.on_the_hour) else 15
        soonest = self.client.outbound_min + self.demand.assumed.shortest_stay_min
        return max(step * round(raw / step), 15 * math.ceil(soonest / 15))

    def _outbound(self, booked_min: int, companions: int) -> BookingRecord:
        by_appointment = self._happens(self.demand.assumed.appointment_share)
        booked = self._at(booked_min)
        return replace(
            self._leg(companions),
            pickup=self.client.home,
            dropoff=self.client.site,
            appointment_at=booked if by_appointment else None,
            pickup_from=None if by_appointment else booked,
        )

    def _return(self, booked_min: int, companions: int) -> BookingRecord:
        will_call = self._happens(self.demand.assumed.will_call_share)
        booked = self._at(booked_min)
        return replace(
            self._leg(companions),
            direction=Direction.RETOUR,
            pickup=self.client.site,
            dropoff=self.client.home,
            will_call=will_call,
            ready_forecast=booked if will_call else None,
            pickup_from=None if will_call else booked,
        )

    def _leg(self, companions: int) -> BookingRecord:
        client = self.client
        return BookingRecord(
            id="",
            mobility=client.mobility,
            pickup=client.home,
            dropoff=client.site,
            patient_ref=client.reference,
            companions=companions,
            equipment=client.equipment,
            crew_needed=client.crew_needed,
        )

    def _at(self, minutes: int) -> datetime:
        whole = min(minutes, LAST_MINUTE)
        clock = time(whole // 60, whole % 60)
        return datetime.combine(self.demand.day, clock, tzinfo=self.demand.zone)
