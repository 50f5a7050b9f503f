"""What clients send and see of a place."""

from __future__ import annotations

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from dispatch_api.geocoding.port import Precision
from dispatch_api.places.domain import Location

EXAMPLE_ID = "0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10"
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Label = Annotated[str, Field(min_length=1, max_length=200)]
Address = Annotated[str, Field(min_length=1, max_length=300)]
Entrance = Annotated[str, Field(max_length=200, description="How to find the door.")]
Floor = Annotated[str, Field(max_length=40)]
DoorCode = Annotated[str, Field(max_length=40)]
HIT: dict[str, Any] = {
    "label": "Rue de Lausanne 12, 1201 Genève",
    "street": "Rue de Lausanne",
    "house_number": "12",
    "postcode": "1201",
    "city": "Genève",
    "lat": 46.2113,
    "lon": 6.1441,
    "precision": "house",
    "score": 0.97,
    "source": "© OpenStreetMap contributors, ODbL",
}
PLACE: dict[str, Any] = {
    "id": EXAMPLE_ID,
    "patient_id": None,
    "label": "HUG, dialysis",
    "address": "Rue Gabrielle-Perret-Gentil 4, 1205 Genève",
    "lat": 46.1934,
    "lon": 6.1491,
    "entrance": "Entrance B, ramp on the left",
    "floor": "2",
    "door_code": None,
    "precision": "house",
    "geocode_source": "© OpenStreetMap contributors, ODbL",
    "dispatchable": True,
    "masked": False,
    "pin_corrected_by": None,
    "pin_corrected_at": None,
    "version": 1,
    "created_at": "2026-03-16T06:00:00Z",
}


class NewPlace(BaseModel):
    """An address to be looked up, or coordinates; with `patient_id` a home, sealed as a whole."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "label": "HUG, dialysis",
                    "address": "Rue Gabrielle-Perret-Gentil 4, 1205 Genève",
                    "entrance": "Entrance B, ramp on the left",
                    "floor": "2",
                }
            ]
        },
    )

    patient_id: UUID | None = Field(None, description="Whose home it is; null for a shared place.")
    label: Label | None = None
    address: Address | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    precision: Precision = Field(
        Precision.HOUSE, description="How exact the coordinates sent are; ignored without any."
    )
    entrance: Entrance | None = None
    floor: Floor | None = None
    door_code: DoorCode | None = None

    @model_validator(mode="after")
    def address_or_coordinates(self) -> Self:
        if (self.lat is None) != (self.lon is None):
            raise ValueError("lat and lon go together")
        if self.lat is None and self.address is None:
            raise ValueError("give an address, or lat and lon")
        return self


class PlaceChange(BaseModel):
    """How to get in; what is left out stays, null empties a field."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"floor": "3", "door_code": "4711B"}]}
    )

    label: Label | None = None
    entrance: Entrance | None = None
    floor: Floor | None = None
    door_code: DoorCode | None = None


class PinCorrection(BaseModel):
    """Where the entrance really is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"lat": 46.19351, "lon": 6.14902, "entrance": "Ramp behind the kiosk"}]
        },
    )

    lat: Latitude
    lon: Longitude
    entrance: Entrance | None = None


class GeocodeResult(BaseModel):
    """One answer to a search; `score` is a likeness of texts, not a probability."""

    model_config = ConfigDict(json_schema_extra={"examples": [HIT]}, from_attributes=True)

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


class GeocodeResults(BaseModel):
    """The hits, best first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"hits": [HIT]}]})

    hits: list[GeocodeResult]


class Place(BaseModel):
    """A place; a home is `masked` for drivers and services: nothing but its id and precision."""

    model_config = ConfigDict(json_schema_extra={"examples": [PLACE]})

    id: UUID
    patient_id: UUID | None
    label: str | None = None
    address: str | None = None
    lat: float | None = None
    lon: float | None = None
    entrance: str | None = None
    floor: str | None = None
    door_code: str | None = None
    precision: Precision | None = Field(description="null: not located yet")
    geocode_source: str
    dispatchable: bool = Field(description="Whether a vehicle is sent there by itself.")
    masked: bool
    pin_corrected_by: str | None
    pin_corrected_at: AwareDatetime | None
    version: int
    created_at: AwareDatetime


class CreatedPlace(Place):
    """A new place, how it was located, and what else the address could mean."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [PLACE | {"location": "found", "alternatives": [HIT]}]}
    )

    location: Location
    alternatives: list[GeocodeResult]
