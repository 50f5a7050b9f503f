"""Use cases of places: put one on the map, say how to get in, correct its pin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from atmr_common.database.session import Session
from atmr_common.runtime.identifiers import new_id
from atmr_common.web.access import Caller
from atmr_common.web.entity_versions import require_version
from atmr_common.web.pagination import Page, decode_id_cursor, page_by_id
from atmr_common.web.problems import NotFoundError
from dispatch_api.geocoding.port import GeocodeHit
from dispatch_api.patients.errors import PatientErasedError
from dispatch_api.patients.masking import sees_identity
from dispatch_api.patients.repository import PatientRepository
from dispatch_api.patients.service import PatientService
from dispatch_api.patients.sight import out_of_sight
from dispatch_api.places.domain import (
    CLIENT_SOURCE,
    Location,
    Pin,
    PlaceDetails,
    StoredPlace,
)
from dispatch_api.places.errors import GeocoderUnavailableError
from dispatch_api.places.locating import LocatedAddress, locate_address, search_addresses
from dispatch_api.places.repository import PlaceRepository
from dispatch_api.places.schemas import (
    CreatedPlace,
    GeocodeResult,
    NewPlace,
    PinCorrection,
    Place,
    PlaceChange,
)
from dispatch_api.places.sight import hidden_places
from dispatch_api.ports import Ports, PortsDep

HOME = ("home",)


class PlaceService:
    """What can be done with places."""

    def __init__(self, session: Session, ports: Ports) -> None:
        self._session = session
        self._places = PlaceRepository(session, ports.vault)
        self._patients = PatientRepository(session, ports.vault)
        self._log = PatientService(session, ports)
        self._geocoder = ports.geocoder
        self._clock = ports.clock

    async def create(self, caller: Caller, new: NewPlace) -> CreatedPlace:
        located = await self._locate(new)
        if new.patient_id is not None:
            await self._check_patient(caller, new.patient_id)
        kept = new.model_dump(exclude={"patient_id", "precision", "lat", "lon"})
        place = StoredPlace(
            id=new_id(),
            patient_id=new.patient_id,
            details=PlaceDetails(lat=located.lat, lon=located.lon, **kept),
            precision=located.precision,
            geocode_source=located.source,
            created_at=self._clock.now(),
        )
        await self._places.add_all(caller.company_id, [place])
        (shown,) = await self._shown(caller, [place])
        return CreatedPlace(
            **shown.model_dump(),
            location=located.location,
            alternatives=_results(located.alternatives),
        )

    async def get(self, caller: Caller, place_id: UUID) -> Place:
        return (await self._shown(caller, [await self._find(caller, place_id)]))[0]

    async def list(
        self,
        caller: Caller,
        *,
        patient_id: UUID | None,
        text: str | None,
        cursor: str | None,
        limit: int,
    ) -> Page[Place]:
        """Shared places, or a patient's homes."""
        if patient_id is not None and await out_of_sight(self._session, caller, patient_id):
            return Page(items=[], next_cursor=None)
        found = await self._places.list(
            caller.company_id,
            patient_id=patient_id,
            text=text,
            after=decode_id_cursor(cursor),
            limit=limit + 1,
        )
        page = page_by_id(found, limit)
        shown = await self._shown(caller, page.items)
        return Page(items=list(shown), next_cursor=page.next_cursor)

    async def change(
        self, caller: Caller, place_id: UUID, change: PlaceChange, seen: int | None
    ) -> Place:
        place = await self._hold(caller, place_id, seen)
        details = replace(place.details, **change.model_dump(exclude_unset=True))
        return await self._write(caller, replace(place, details=details))

    async def correct_pin(
        self, caller: Caller, place_id: UUID, pin: PinCorrection, seen: int | None
    ) -> Place:
        """Put the entrance where a person who was there says that it is."""
        place = await self._hold(caller, place_id, seen)
        corrected = place.with_pin(Pin(**pin.model_dump()), caller.subject, self._clock.now())
        return await self._write(caller, corrected)

    async def geocode(
        self, text: str, limit: int, near: tuple[float, float] | None
    ) -> Sequence[GeocodeResult]:
        if self._geocoder is None:
            raise GeocoderUnavailableError(
                "This server has no index of addresses: build one with `atmr places build` and "
                "set ATMR_PLACES_INDEX, or send coordinates."
            )
        return _results(await search_addresses(self._geocoder, text, limit, near))

    async def _locate(self, new: NewPlace) -> LocatedAddress:
        if new.lat is None:
            return await locate_address(self._geocoder, new.address or "")
        return LocatedAddress(
            location=Location.GIVEN,
            lat=new.lat,
            lon=new.lon,
            precision=new.precision,
            source=CLIENT_SOURCE,
        )

    async def _check_patient(self, caller: Caller, patient_id: UUID) -> None:
        if await out_of_sight(self._session, caller, patient_id):
            raise NotFoundError(f"There is no patient {patient_id}.")
        await self._hold_patient(caller, patient_id)

    async def _hold_patient(self, caller: Caller, patient_id: UUID) -> None:
        if await self._patients.data_keys(caller.company_id, [patient_id]):
            return
        if await self._patients.find(caller.company_id, patient_id) is None:
            raise NotFoundError(f"There is no patient {patient_id}.")
        raise PatientErasedError(f"Patient {patient_id} was erased; create a new one.")

    async def _write(self, caller: Caller, place: StoredPlace) -> Place:
        changed = replace(place, version=place.version + 1)
        await self._places.update(caller.company_id, changed)
        return (await self._shown(caller, [changed]))[0]

    async def _hold(self, caller: Caller, place_id: UUID, seen: int | None) -> StoredPlace:
        """The place, locked after the patient whose home it is, as an erasure does it."""
        place = await self._find(caller, place_id)
        if place.patient_id is not None:
            await self._hold_patient(caller, place.patient_id)
        held = await self._find(caller, place_id, lock=True)
        require_version(held.version, seen, "place")
        return held

    async def _find(self, caller: Caller, place_id: UUID, *, lock: bool = False) -> StoredPlace:
        place = await self._places.find(caller.company_id, place_id, lock=lock)
        hidden = await hidden_places(self._session, caller, [place_id])
        if place is None or hidden:
            raise NotFoundError(f"There is no place {place_id}.")
        return place

    async def _shown(self, caller: Caller, places: Sequence[StoredPlace]) -> Sequence[Place]:
        """The places as the caller may see them; homes that are shown are put on record."""
        seen = sees_identity(caller.role)
        if seen:
            homes = [(place.patient_id, HOME) for place in places if place.patient_id is not None]
            await self._log.record_access(caller, homes)
        return [_view(place, masked=place.patient_id is not None and not seen) for place in places]


def _view(place: StoredPlace, *, masked: bool) -> Place:
    values = asdict(place)
    details = values.pop("details")
    return Place.model_validate(
        {
            **values,
            **({} if masked else details),
            "dispatchable": place.dispatchable,
            "masked": masked,
        }
    )


def _results(hits: Sequence[GeocodeHit]) -> list[GeocodeResult]:
    return [GeocodeResult.model_validate(hit) for hit in hits]


def place_service(session: Session, ports: PortsDep) -> PlaceService:
    return PlaceService(session, ports)


Places = Annotated[PlaceService, Depends(place_service)]
