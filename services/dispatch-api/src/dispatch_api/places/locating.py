"""From an address to a point, or to the choice between several: nothing is guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from dispatch_api.geocoding.certainty import Doubt, doubt
from dispatch_api.geocoding.errors import GeocodingError
from dispatch_api.geocoding.port import GeocodeHit, Geocoder, Precision
from dispatch_api.places.domain import NO_SOURCE, Location
from dispatch_api.places.errors import GeocoderUnavailableError

ALTERNATIVES = 5


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
    doubtful = doubt(hits)
    if doubtful is Doubt.NOT_FOUND:
        return LocatedAddress(location=Location.NOT_FOUND)
    if doubtful in {Doubt.UNLIKE, Doubt.SEVERAL}:
        return LocatedAddress(location=Location.UNCERTAIN, alternatives=hits)
    best = hits[0]
    return LocatedAddress(
        location=Location.COARSE if doubtful else Location.FOUND,
        lat=best.lat,
        lon=best.lon,
        precision=best.precision,
        source=best.source[:80],
        alternatives=hits if doubtful else hits[1:],
    )
