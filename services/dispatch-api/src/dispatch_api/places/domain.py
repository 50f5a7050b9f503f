"""A place: an address or a building, how exactly it is known, and whether a vehicle may go there.

A patient's home is a place too; all that is known of it is sealed under the patient's key.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from dispatch_api.geocoding.port import Precision, dispatchable

PIN_SOURCE = "pin"
CLIENT_SOURCE = "client"
NO_SOURCE = "none"


class Location(StrEnum):
    """How a new place came to its point, or why it has none."""

    GIVEN = "given"  # the client sent coordinates
    FOUND = "found"  # one house answers the address
    COARSE = "coarse"  # only a street or a locality was found
    UNCERTAIN = "uncertain"  # several houses answer, or none well enough: choose one
    NOT_FOUND = "not_found"
    NO_GEOCODER = "no_geocoder"  # this server has no index of addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceDetails:
    """What is told to whoever goes there; of an erased patient's home nothing is left."""

    label: str | None = None
    address: str | None = None
    lat: float | None = None
    lon: float | None = None
    entrance: str | None = None
    floor: str | None = None
    door_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlace:
    """A place as the database keeps it, its details opened."""

    id: UUID
    patient_id: UUID | None
    details: PlaceDetails
    precision: Precision | None
    geocode_source: str
    created_at: datetime
    pin_corrected_by: str | None = None
    pin_corrected_at: datetime | None = None
    version: int = 1

    @property
    def dispatchable(self) -> bool:
        """Whether a vehicle may be sent there without a person looking."""
        located = self.details.lat is not None and self.precision is not None
        return located and self.precision is not None and dispatchable(self.precision)

    def with_pin(self, pin: Pin, by: str, at: datetime) -> StoredPlace:
        """The same place with its entrance where a person says that it is."""
        entrance = self.details.entrance if pin.entrance is None else pin.entrance
        return replace(
            self,
            details=replace(self.details, lat=pin.lat, lon=pin.lon, entrance=entrance),
            precision=Precision.ENTRANCE,
            geocode_source=PIN_SOURCE,
            pin_corrected_by=by,
            pin_corrected_at=at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """Where the entrance is, WGS84 degrees; `entrance` None keeps the description."""

    lat: float
    lon: float
    entrance: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedPlace:
    """A place as planning sees it; without a point it is never dispatchable."""

    lat: float | None
    lon: float | None
    label: str
    precision: Precision | None
    dispatchable: bool
