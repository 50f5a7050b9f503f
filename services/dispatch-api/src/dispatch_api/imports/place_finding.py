"""The places of imported rows: found by identical address or point, else located and created.

The end of a trip where the patient lives becomes the patient's home, and is sealed; the other end
is shared by all patients.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from atmr_common.runtime.identifiers import new_id
from atmr_engine.formats.day_records import Place
from dispatch_api.geocoding.port import Geocoder, Precision, dispatchable
from dispatch_api.places.domain import CLIENT_SOURCE, Location, PlaceDetails, StoredPlace
from dispatch_api.places.locating import LocatedAddress, locate_address
from dispatch_api.places.repository import PlaceRepository

LONGEST_ADDRESS = 300


class WantedPlace(NamedTuple):
    """A place of a row; `patient_id` is given where it is that patient's home."""

    place: Place
    patient_id: UUID | None


@dataclass(frozen=True, slots=True)
class UnknownPlace:
    """Why a place cannot be had, and what to do."""

    message: str
    remedy: str


class PlaceFinder:
    """Finds or creates places for one company, for many rows at once."""

    def __init__(
        self, repository: PlaceRepository, geocoder: Geocoder | None, company_id: UUID
    ) -> None:
        self._repository = repository
        self._geocoder = geocoder
        self._company_id = company_id
        self._known: dict[tuple[object, UUID | None], StoredPlace] = {}
        self._new: list[StoredPlace] = []
        self._located: dict[str, LocatedAddress] = {}

    async def load(self, wanted: Iterable[WantedPlace]) -> None:
        """Read the places that could be meant, in two queries."""
        places = list(wanted)
        homes = {item.patient_id for item in places if item.patient_id is not None}
        shared = await self._repository.shared_at(
            self._company_id,
            addresses={item.place.address for item in places if item.place.address},
            points={
                (item.place.point.lat, item.place.point.lon)
                for item in places
                if item.place.point is not None
            },
        )
        for place in [*shared, *await self._repository.homes_of(self._company_id, homes)]:
            self._remember(place)

    async def find(self, wanted: WantedPlace, at: datetime) -> StoredPlace | UnknownPlace:
        """The place, which `create` will insert if it is new."""
        for owner in (wanted.patient_id, None):
            known = self._match(wanted.place, owner)
            if known is not None:
                return known
        if len(wanted.place.address) > LONGEST_ADDRESS:
            return UnknownPlace(
                f"the address is longer than {LONGEST_ADDRESS} characters", "shorten it"
            )
        located = await self._locate(wanted.place)
        if isinstance(located, UnknownPlace):
            return located
        place = StoredPlace(
            id=new_id(),
            patient_id=wanted.patient_id,
            details=PlaceDetails(
                address=wanted.place.address or None, lat=located.lat, lon=located.lon
            ),
            precision=located.precision,
            geocode_source=located.source,
            created_at=at,
        )
        self._new.append(place)
        self._remember(place)
        return place

    async def create(self, used: set[UUID]) -> None:
        """Insert the new places that good rows use."""
        await self._repository.add_all(
            self._company_id, [place for place in self._new if place.id in used]
        )

    def _remember(self, place: StoredPlace) -> None:
        details = place.details
        if details.address:
            self._known.setdefault((details.address, place.patient_id), place)
        if details.lat is not None and details.lon is not None:
            self._known.setdefault(((details.lat, details.lon), place.patient_id), place)

    def _match(self, place: Place, owner: UUID | None) -> StoredPlace | None:
        """By address where there is one: a pin that was corrected since wins over the row's."""
        by_address = self._known.get((place.address, owner)) if place.address else None
        if by_address is not None and by_address.details.lat is not None:
            return by_address
        return self._known.get((tuple(place.point), owner)) if place.point else None

    async def _locate(self, place: Place) -> LocatedAddress | UnknownPlace:
        if place.point is not None:
            return LocatedAddress(
                location=Location.GIVEN,
                lat=place.point.lat,
                lon=place.point.lon,
                precision=Precision.HOUSE,
                source=CLIENT_SOURCE,
            )
        if place.address not in self._located:
            self._located[place.address] = await locate_address(self._geocoder, place.address)
        located = self._located[place.address]
        return located if located.lat is not None else _unknown(place.address, located)


def _unknown(address: str, located: LocatedAddress) -> UnknownPlace:
    give = "give latitude and longitude beside it"
    if located.location is Location.NO_GEOCODER:
        return UnknownPlace("this server has no index of addresses to look it up in", give)
    if located.location is Location.UNCERTAIN:
        meant = "; ".join(hit.label for hit in located.alternatives[:3])
        return UnknownPlace(f"{address!r} could be more than one place: {meant}", give)
    return UnknownPlace(f"{address!r} was not found", f"correct it, or {give}")


def coarse_warning(place: StoredPlace, end: str) -> str | None:
    """A warning about a place that a person has to look at before a vehicle is sent."""
    if place.precision is not None and dispatchable(place.precision):
        return None
    known = f"the {place.precision}" if place.precision else "no point"
    return f"{end} is known to {known} only: the booking waits until its pin is corrected"
