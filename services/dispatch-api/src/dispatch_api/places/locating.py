"""From an address to a point, or to the choice between several: nothing is guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from dispatch_api.geocoding.errors import GeocodingError
from dispatch_api.geocoding.outline import distance_m
from dispatch_api.geocoding.port import GeocodeHit, Geocoder, Precision, dispatchable
from dispatch_api.places.domain import NO_SOURCE, Location
from dispatch_api.places.errors import GeocoderUnavailableError

ALTERNATIVES = 5
SURE_LIKENESS = 0.8
"""Text that is less alike than this was not what was asked for, whatever the house."""
LEAD = 0.03
"""A second house that is alike within this, elsewhere, makes the answer uncertain."""
SAME_HOUSE_M = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedAddress:
    """What an address came to; `lat`, `lon` and `precision` are None where it is not located."""

    location: Location
    lat: float | None = None
    lon: float | None = None
    precision: Precision | None = None
    source: str = NO_SOURCE
    alternatives: tuple[GeocodeHit, ...] = ()


async def search_addresses(
    geocoder: Geocoder, text: str, limit: int, near: tuple[float, float] | None = None
) -> Sequence[GeocodeHit]:
    """The hits for `text`, without holding up other requests.

    Raises:
        GeocoderUnavailableError: when the index cannot answer.

    """
    try:
        return await asyncio.to_thread(geocoder.search, text, limit, near)
    except GeocodingError as error:
        raise GeocoderUnavailableError(f"The index of addresses cannot answer: {error}") from error


async def locate_address(geocoder: Geocoder | None, address: str) -> LocatedAddress:
    """The one house that `address` means, else how far the search came, with alternatives."""
    if geocoder is None:
        return LocatedAddress(location=Location.NO_GEOCODER)
    hits = tuple(await search_addresses(geocoder, address, ALTERNATIVES))
    if not hits:
        return LocatedAddress(location=Location.NOT_FOUND)
    best, others = hits[0], hits[1:]
    if _is_uncertain(best, others):
        return LocatedAddress(location=Location.UNCERTAIN, alternatives=hits)
    exact = dispatchable(best.precision)
    return LocatedAddress(
        location=Location.FOUND if exact else Location.COARSE,
        lat=best.lat,
        lon=best.lon,
        precision=best.precision,
        source=best.source[:80],
        alternatives=others if exact else hits,
    )


def _is_uncertain(best: GeocodeHit, others: Sequence[GeocodeHit]) -> bool:
    """Whether a person has to choose: the text is too unlike, or another house is as like."""
    if best.score < SURE_LIKENESS and dispatchable(best.precision):
        return True
    return any(
        dispatchable(other.precision)
        and best.score - other.score < LEAD
        and distance_m((best.lat, best.lon), (other.lat, other.lon)) > SAME_HOUSE_M
        for other in others
    )
