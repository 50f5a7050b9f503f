"""The geocoding port: what a search for an address answers, and how exact the answer is.

Places, imports and `atmr plan` know this file only; an adapter (the offline index, or a
remote service later) answers behind it. Nothing coarser than a house is dispatched by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Precision(StrEnum):
    """How exact a geocode's point is, from the door itself to a name on the map."""

    ENTRANCE = "entrance"
    HOUSE = "house"
    STREET = "street"
    PLACE = "place"


DISPATCHABLE = frozenset({Precision.ENTRANCE, Precision.HOUSE})


def dispatchable(precision: Precision) -> bool:
    """Whether a vehicle may be sent to a point of this precision without a person looking."""
    return precision in DISPATCHABLE


@dataclass(frozen=True, slots=True)
class GeocodeHit:
    """One answer to a search.

    `lat` and `lon` are WGS84 degrees. `score` is a text-match similarity from 0 (nothing in
    common) to 1 (every word given is there, spelt alike): it ranks hits, and is not a
    probability of being right. A house of a wrong street can be a weak hit, so who acts
    without a person looking asks for a high score besides a precise point. `source` names
    the data and its licence attribution.
    Unknown parts are empty strings.
    """

    label: str
    street: str
    house_number: str
    postcode: str
    city: str
    lat: float
    lon: float
    precision: Precision
    score: float
    source: str


class Geocoder(Protocol):
    """Finds addresses and points of care in free text."""

    def search(
        self, text: str, limit: int = 5, near: tuple[float, float] | None = None
    ) -> list[GeocodeHit]:
        """The best `limit` hits, best first; `near` is a (lat, lon) that breaks ties.

        Any text is accepted, its first 200 characters are read; without a letter no hits.
        """
        ...
