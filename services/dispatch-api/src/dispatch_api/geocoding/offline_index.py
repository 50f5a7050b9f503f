"""The offline geocoder: searches an index file, without a network and without a server.

Candidates come from shared letter triples, are ranked by similarity, and only then are the
houses of the best streets looked up.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from dispatch_api.geocoding.candidates import (
    PlaceCandidate,
    StreetCandidate,
    place_candidates,
    street_candidates,
)
from dispatch_api.geocoding.errors import IndexUnusableError
from dispatch_api.geocoding.house_number import HouseNumber
from dispatch_api.geocoding.index_file import IndexFacts, open_index, read_facts
from dispatch_api.geocoding.outline import distance_m
from dispatch_api.geocoding.port import GeocodeHit, Precision
from dispatch_api.geocoding.question import Reading, readings
from dispatch_api.geocoding.spelling import canonical

MAX_HITS = 50
LEAST_SCORE = 0.5
"""Hits less alike than this are left out: they would be guesses."""
STREETS_LOOKED_UP = 40
NEAREST_OFFERED = 3
NO_SUCH_NUMBER = 0.85
"""Factor on the score of a street that lacks the number asked for."""
WITHIN_RANGE = 0.98
POSTCODE_UNKNOWN = 0.98
POSTCODE_OTHER = 0.9
SAME_ADDRESS_M = 150.0
"""One number of one street this near is one answer, whichever corner of the block it marks."""
SAME_STREET_M = 2000.0

_PRECISION_ORDER = {precision: rank for rank, precision in enumerate(Precision)}


@dataclass(frozen=True, slots=True)
class _HouseRow:
    number: HouseNumber
    written: str
    postcode: str
    city: str
    lat: float
    lon: float
    precision: Precision


class OfflineGeocoder:
    """A Geocoder over an index file that `build_index` wrote. Safe to share between threads.

    Opening raises IndexUnusableError; so does a search on a file damaged inside.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = open_index(path)
        self._one_at_a_time = threading.Lock()
        try:
            self.facts: IndexFacts = read_facts(self._database)
        except IndexUnusableError:
            self._database.close()
            raise

    def close(self) -> None:
        """Closes the file; searches afterwards raise."""
        with self._one_at_a_time:
            self._database.close()

    def search(
        self, text: str, limit: int = 5, near: tuple[float, float] | None = None
    ) -> list[GeocodeHit]:
        """See `Geocoder.search`; `limit` is held between 0 and 50.

        A number that the street lacks is never made up: the nearest numbers that exist are
        offered, with the precision `street`, since none of them is what was asked for.
        """
        wanted = max(0, min(limit, MAX_HITS))
        if not wanted:
            return []
        with self._one_at_a_time:
            try:
                hits = [hit for one in readings(text, self._is_postcode) for hit in self._read(one)]
            except sqlite3.DatabaseError as error:
                raise IndexUnusableError(
                    f"{self._path} is damaged ({error}); build it again"
                ) from error
        return _best(hits, wanted, near)

    def _is_postcode(self, code: str) -> bool:
        found = self._database.execute("SELECT 1 FROM postcode WHERE code = ?", (code,))
        return found.fetchone() is not None

    def _read(self, reading: Reading) -> Iterator[GeocodeHit]:
        """The hits of one reading of the text."""
        streets = street_candidates(
            self._database, reading.words, numbered_only=reading.numbered_name
        )
        places = place_candidates(self._database, reading.words) if not reading.number else []
        rated = [(self._street_score(street, reading), street) for street in streets]
        rated.sort(key=lambda pair: -pair[0])
        for score, street in rated[:STREETS_LOOKED_UP]:
            if reading.number is None:
                yield self._street_hit(street, score)
            else:
                yield from self._house_hits(street, reading, reading.number)
        yield from (self._place_hit(place, reading) for place in places)

    def _street_score(self, street: StreetCandidate, reading: Reading) -> float:
        codes = street.postcodes.split()
        code = reading.postcode if reading.postcode in codes else "".join(codes[:1])
        return street.likeness * _postcode_factor(reading.postcode, code)

    def _street_hit(self, street: StreetCandidate, score: float) -> GeocodeHit:
        codes = street.postcodes.split()
        postcode = codes[0] if len(codes) == 1 else ""
        return GeocodeHit(
            label=label(street.label, "", postcode, street.city),
            street=street.label,
            house_number="",
            postcode=postcode,
            city=street.city,
            lat=street.lat,
            lon=street.lon,
            precision=Precision.STREET,
            score=score,
            source=self.facts.attribution,
        )

    def _house_hits(
        self, street: StreetCandidate, reading: Reading, number: HouseNumber
    ) -> Iterator[GeocodeHit]:
        """The houses with the number, else the nearest numbers, else the street itself."""
        houses = self._houses(street.id)
        matching = [house for house in houses if _is_asked(house.number, number)]
        for house in matching:
            factor = 1.0 if house.number == number else WITHIN_RANGE
            yield self._house_hit(street, house, factor, reading)
        if matching:
            return
        houses.sort(key=lambda house: house.number.apart(number))
        for house in houses[:NEAREST_OFFERED]:
            offer = self._house_hit(street, house, NO_SUCH_NUMBER, reading)
            yield replace(offer, precision=Precision.STREET)
        if not houses:
            yield self._street_hit(street, self._street_score(street, reading) * NO_SUCH_NUMBER)

    def _house_hit(
        self, street: StreetCandidate, house: _HouseRow, factor: float, reading: Reading
    ) -> GeocodeHit:
        city = house.city or street.city
        return GeocodeHit(
            label=label(street.label, house.written, house.postcode, city),
            street=street.label,
            house_number=house.written,
            postcode=house.postcode,
            city=city,
            lat=house.lat,
            lon=house.lon,
            precision=house.precision,
            score=street.likeness * factor * _postcode_factor(reading.postcode, house.postcode),
            source=self.facts.attribution,
        )

    def _place_hit(self, place: PlaceCandidate, reading: Reading) -> GeocodeHit:
        address = label(place.street, place.house_number, place.postcode, place.city)
        return GeocodeHit(
            label=f"{place.label}, {address}" if address else place.label,
            street=place.street,
            house_number=place.house_number,
            postcode=place.postcode,
            city=place.city,
            lat=place.lat,
            lon=place.lon,
            precision=Precision(place.precision),
            score=place.likeness * _postcode_factor(reading.postcode, place.postcode),
            source=self.facts.attribution,
        )

    def _houses(self, street_id: int) -> list[_HouseRow]:
        rows = self._database.execute(
            "SELECT low, high, suffix, written, postcode, city, lat, lon, precision"
            " FROM house WHERE street_id = ? ORDER BY low, suffix, written",
            (street_id,),
        )
        return [
            _HouseRow(
                HouseNumber(low, high, suffix),
                written=written,
                postcode=postcode,
                city=city,
                lat=lat,
                lon=lon,
                precision=Precision(precision),
            )
            for low, high, suffix, written, postcode, city, lat, lon, precision in rows
        ]


def label(street: str, number: str, postcode: str, city: str) -> str:
    """One line for a person: 'Rue de Lausanne 12, 1201 Genève'; unknown parts are left out."""
    halves = (f"{street} {number}".strip(), f"{postcode} {city}".strip())
    return ", ".join(half for half in halves if half)


def _is_asked(house: HouseNumber, asked: HouseNumber) -> bool:
    """The house itself, a range that holds it, or the first house of the range asked for."""
    first = HouseNumber(asked.low, asked.low, asked.suffix)
    return house.holds(asked) or (asked.high > asked.low and house.holds(first))


def _postcode_factor(asked: str, known: str) -> float:
    if not asked or asked == known:
        return 1.0
    return POSTCODE_OTHER if known else POSTCODE_UNKNOWN


def _best(
    hits: Iterable[GeocodeHit], limit: int, near: tuple[float, float] | None
) -> list[GeocodeHit]:
    """The best hits, each thing once; with `near`, hits that are about as alike by distance."""

    def rank(hit: GeocodeHit) -> tuple[float, float, int, int]:
        exactness = _PRECISION_ORDER[hit.precision]
        vagueness = (not hit.postcode) + (not hit.city)
        if near is None:
            return -hit.score, 0.0, exactness, vagueness
        away = distance_m(near, (hit.lat, hit.lon))
        return -round(hit.score, 2), away, exactness, vagueness

    kept: list[GeocodeHit] = []
    for hit in sorted((hit for hit in hits if hit.score >= LEAST_SCORE), key=rank):
        if not any(_repeats(hit, better) for better in kept):
            kept.append(hit)
        if len(kept) == limit:
            break
    return [replace(hit, score=round(min(hit.score, 1.0), 4)) for hit in kept]


def _repeats(hit: GeocodeHit, better: GeocodeHit) -> bool:
    """Whether a hit adds nothing to a better one: the same thing, or a stand-in for it."""
    if canonical(hit.street) != canonical(better.street):
        return False
    apart = distance_m((hit.lat, hit.lon), (better.lat, better.lon))
    if hit.house_number.casefold() == better.house_number.casefold():
        same_name = bool(hit.street) or hit.label == better.label
        return same_name and apart <= (SAME_ADDRESS_M if hit.house_number else SAME_STREET_M)
    stands_in = hit.precision is Precision.STREET and better.precision is not Precision.STREET
    return stands_in and apart <= SAME_STREET_M
