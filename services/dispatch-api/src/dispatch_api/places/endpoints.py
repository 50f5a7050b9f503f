"""HTTP door of places, and of the search for addresses."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from atmr_common.web.access import PinMover, PlaceReader, PlaceViewer, PlaceWriter
from atmr_common.web.entity_versions import SeenVersion, tagged
from atmr_common.web.idempotency import IdempotentRoute
from atmr_common.web.pagination import CursorText, Limit, Page
from atmr_common.web.problems import InvalidError, responses
from dispatch_api.places.schemas import (
    CreatedPlace,
    GeocodeResults,
    Latitude,
    Longitude,
    NewPlace,
    PinCorrection,
    Place,
    PlaceChange,
)
from dispatch_api.places.service import Places

router = APIRouter(prefix="/v1", tags=["places"], route_class=IdempotentRoute)
SearchText = Annotated[str, Query(min_length=1, max_length=200, examples=["rue de lausane 12"])]
Hits = Annotated[int, Query(ge=1, le=20, description="Hits at most.")]
OfPatient = Annotated[
    UUID | None, Query(description="This patient's homes; shared places if not given.")
]
LabelText = Annotated[
    str | None, Query(max_length=200, description="Shared places whose label or address holds it.")
]


@router.get("/geocode", operation_id="search_addresses", responses=responses(401, 403, 422, 503))
async def search_addresses(
    text: SearchText,
    caller: PlaceReader,
    places: Places,
    limit: Hits = 5,
    lat: Annotated[Latitude | None, Query()] = None,
    lon: Annotated[Longitude | None, Query()] = None,
) -> GeocodeResults:
    """Addresses and points of care that are like the text, best first; `lat`, `lon` break ties."""
    del caller
    if (lat is None) != (lon is None):
        raise InvalidError("lat and lon go together.")
    near = None if lat is None or lon is None else (lat, lon)
    return GeocodeResults(hits=list(await places.geocode(text, limit, near)))


@router.post(
    "/places",
    status_code=201,
    operation_id="create_place",
    responses=responses(401, 403, 404, 409, 422, 503),
)
async def create_place(
    new: NewPlace, caller: PlaceWriter, places: Places, response: Response
) -> CreatedPlace:
    """Create a place; an address that does not mean one house is kept with its alternatives."""
    return tagged(response, await places.create(caller, new))


@router.get("/places", operation_id="list_places", responses=responses(401, 403, 422))
async def list_places(
    caller: PlaceReader,
    places: Places,
    patient_id: OfPatient = None,
    text: LabelText = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[Place]:
    """Shared places, or the homes of one patient."""
    if patient_id is not None and text is not None:
        raise InvalidError("Homes are sealed and cannot be searched by text; leave one out.")
    return await places.list(caller, patient_id=patient_id, text=text, cursor=cursor, limit=limit)


@router.get(
    "/places/{place_id}", operation_id="read_place", responses=responses(401, 403, 404, 422)
)
async def read_place(
    place_id: UUID, caller: PlaceViewer, places: Places, response: Response
) -> Place:
    """One place; homes are masked for drivers and services."""
    return tagged(response, await places.get(caller, place_id))


@router.patch(
    "/places/{place_id}",
    operation_id="change_place",
    responses=responses(401, 403, 404, 409, 412, 422),
)
async def change_place(
    place_id: UUID,
    change: PlaceChange,
    caller: PlaceWriter,
    places: Places,
    version: SeenVersion,
    response: Response,
) -> Place:
    """Say how to get in: entrance, floor, code. For another address, create another place."""
    return tagged(response, await places.change(caller, place_id, change, version))


@router.patch(
    "/places/{place_id}/pin",
    operation_id="correct_pin",
    responses=responses(401, 403, 404, 409, 412, 422),
)
async def correct_pin(
    place_id: UUID,
    pin: PinCorrection,
    caller: PinMover,
    places: Places,
    version: SeenVersion,
    response: Response,
) -> Place:
    """Move the pin to the entrance; who and when are kept, and the precision becomes entrance."""
    return tagged(response, await places.correct_pin(caller, place_id, pin, version))
