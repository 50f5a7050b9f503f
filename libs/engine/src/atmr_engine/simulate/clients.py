"""Who travels on a generated day: clients under standing orders, and others now and then."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from atmr_engine.formats.csv_day import SYNTHETIC_PREFIX
from atmr_engine.formats.day_records import Mobility, Place
from atmr_engine.simulate.random_streams import Purpose, stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    import numpy as np

    from atmr_engine.simulate.calibration import Assumptions, Fitting, OperatorFacts
    from atmr_engine.simulate.geography import City

_Value = TypeVar("_Value")
WEEKDAY_GROUPS = ("MWF", "TTS", "MWF", "TTS", "MWF", "TTS", "SUN")
"""Dialysis rhythms from Monday to Sunday: a group's client comes on all of its days."""
OUTBOUND_TRIES = 50
WEEKLY_SEAT = 3
"""Every third standing order comes on one day of the week only (day care, therapy)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A made-up patient; `outbound_min` and `stay_min` are minutes, habitual for this client."""

    reference: str
    home: Place
    site: Place
    mobility: Mobility
    equipment: frozenset[str]
    crew_needed: int | None
    outbound_min: int
    one_way_min: int
    stay_min: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """All clients of a generated company of `scale` times the operator's size."""

    city: City
    facts: OperatorFacts
    assumed: Assumptions
    fitting: Fitting
    scale: float
    seed: int

    def visitors(self, day: date) -> Iterator[Client]:
        """Those who travel on `day`: standing orders first, then the others without an end."""
        yield from self._standing(day)
        number = 0
        while True:
            yield self._occasional(day, number)
            number += 1

    def expected_journeys(self, weekday: int) -> float:
        """The mean number of journeys (a round trip is one) on a weekday, Monday being 0."""
        legs = self.facts.legs_by_weekday[weekday] * self.scale
        return legs / (1.0 + self.facts.round_trip_share)

    def standing_journeys(self, day: date) -> int:
        """How many of the visitors of `day` come under a standing order."""
        return sum(1 for _ in self._standing(day))

    def _standing(self, day: date) -> Iterator[Client]:
        fitting, week = self.fitting, day.toordinal() // 7
        journeys = self.expected_journeys(day.weekday())
        seats = math.ceil(fitting.standing_share * journeys / fitting.attendance)
        usual = fitting.standing_share * journeys / max(seats, 1)
        for seat in range(seats):
            random = stream(self.seed, Purpose.VISIT, day.toordinal(), seat)
            if float(random.random()) < usual:
                weekly = seat % WEEKLY_SEAT == WEEKLY_SEAT - 1
                group = f"{day:%a}" if weekly else WEEKDAY_GROUPS[day.weekday()]
                period = (week + 7 * seat) // fitting.order_weeks
                yield self._client(f"S-{group}{seat}-{period}")

    def _occasional(self, day: date, number: int) -> Client:
        random = stream(self.seed, Purpose.DAY, day.toordinal(), number + 1)
        if float(random.random()) < self.fitting.once_share:
            return self._client(f"O-{day:%y%m%d}-{number}")
        pool = max(1, round(self.fitting.repeat_clients * self.scale))
        return self._client(f"R-{day:%y}-{int(pool * float(random.random()))}")

    def _client(self, name: str) -> Client:
        """The client of that name, the same on every day."""
        random = stream(self.seed, Purpose.CLIENT, int.from_bytes(name.encode()[:8]), _key(name))
        sites = max(1, round(self.assumed.care_sites_per_100_legs * self.scale * 0.12))
        site = self.city.site(self.seed, int(sites * float(random.random()) ** 2))
        home = self.city.home(random, site, self.facts)
        mobility = _weighted(random, self.assumed.mobility_shares)
        equipment = _equipment(random, mobility, self.assumed)
        stay_min = _stay(random, self.facts, self.assumed)
        outbound_min = self._outbound_min(random, stay_min)
        return Client(
            reference=f"{SYNTHETIC_PREFIX}P-{name}",
            home=Place(address=f"Synthetic home {name}", point=home),
            site=site,
            mobility=mobility,
            equipment=equipment,
            crew_needed=2 if "stairs_chair" in equipment else None,
            outbound_min=outbound_min,
            stay_min=stay_min,
            one_way_min=_booked(random, self.fitting.one_way_hours, self.fitting),
        )

    def _outbound_min(self, random: np.random.Generator, stay_min: float) -> int:
        """A time whose return is not too late, likelier one whose return is in a peak hour."""
        fitting = self.fitting
        for _ in range(OUTBOUND_TRIES):
            outbound_min = _booked(random, fitting.outbound_hours, fitting)
            back = outbound_min + stay_min
            peak = round(back / 60.0) in self.facts.peak_hours
            wanted = float(random.random()) < (1.0 if peak else fitting.off_peak_return)
            if wanted and back <= 60.0 * fitting.latest_return_hour:
                return outbound_min
        return 60 * fitting.outbound_hours[0][0]


def _key(name: str) -> int:
    """A number for a name: its remaining bytes."""
    return int.from_bytes(name.encode()[8:16])


def _weighted(random: np.random.Generator, shares: Sequence[tuple[_Value, float]]) -> _Value:
    drawn = float(random.random()) * sum(share for _, share in shares)
    for value, share in shares:
        drawn -= share
        if drawn < 0.0:
            return value
    return shares[-1][0]


def _equipment(
    random: np.random.Generator, mobility: Mobility, assumed: Assumptions
) -> frozenset[str]:
    oxygen = float(random.random()) < assumed.oxygen_share
    stairs = float(random.random()) < assumed.stairs_chair_share
    walks = mobility is Mobility.AMBULATORY
    return frozenset(
        name
        for name, needed in (("oxygen", oxygen), ("stairs_chair", stairs and not walks))
        if needed
    )


def _booked(
    random: np.random.Generator, hours: Sequence[tuple[int, float]], fitting: Fitting
) -> int:
    """A time of the day in minutes, mostly on the hour."""
    hour = _weighted(random, hours)
    quarter = 0 if float(random.random()) < fitting.on_the_hour else int(3 * random.random()) + 1
    return hour * 60 + 15 * quarter


def _stay(random: np.random.Generator, facts: OperatorFacts, assumed: Assumptions) -> float:
    """Minutes from outbound to return: linear between the quartiles that are known."""
    knots = (assumed.shortest_stay_min, *facts.stay_quartiles_min, assumed.longest_stay_min)
    position = 4.0 * float(random.random())
    below = min(int(position), 3)
    return knots[below] + (position - below) * (knots[below + 1] - knots[below])
