"""Places as planning reads them: shared ones and sealed homes, in one query."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import col
from support.dispatch_client import DispatchApi

from atmr_common.database.tenancy import OWNER
from atmr_common.runtime.identifiers import new_id
from dispatch_api.geocoding.port import Precision
from dispatch_api.patients.tables import PatientRow
from dispatch_api.places.domain import LocatedPlace, PlaceDetails, StoredPlace
from dispatch_api.places.repository import PlaceRepository
from dispatch_api.places.tables import PlaceRow

AT = datetime(2026, 3, 1, tzinfo=UTC)


def a_place(patient_id: UUID | None = None, **details: object) -> StoredPlace:
    known = {"label": "HUG", "lat": 46.19, "lon": 6.15} | details
    return StoredPlace(
        id=new_id(),
        patient_id=patient_id,
        details=PlaceDetails(**known),  # type: ignore[arg-type]  # a dict of mixed fields
        precision=Precision.HOUSE,
        geocode_source="client",
        created_at=AT,
    )


@pytest.fixture
async def patient_id(dispatch_api: DispatchApi, company_id: UUID) -> UUID:
    patient_id = new_id()
    async with dispatch_api.ports.database.transaction(OWNER) as session:
        session.add(
            PatientRow(
                id=patient_id,
                company_id=company_id,
                data_key=dispatch_api.ports.vault.new_data_key(patient_id),
                sealed=None,
                mobility="ambulatory",
                created_at=AT,
            )
        )
    return patient_id


async def test_homes_are_opened_and_nothing_of_them_is_readable_in_the_table(
    dispatch_api: DispatchApi, company_id: UUID, patient_id: UUID
) -> None:
    shared, home = a_place(), a_place(patient_id, label="Rue des Bains 4", door_code="4711")
    async with dispatch_api.ports.database.transaction(OWNER) as session:
        places = PlaceRepository(session, dispatch_api.ports.vault)
        await places.add_all(company_id, [shared, home])
        located = await places.located(company_id, {shared.id, home.id})
        read = await places.find(company_id, home.id)
        row = (await session.scalars(sa.select(PlaceRow).where(col(PlaceRow.id) == home.id))).one()
    assert located == {
        place.id: LocatedPlace(
            lat=46.19,
            lon=6.15,
            label=str(place.details.label),
            precision=Precision.HOUSE,
            dispatchable=True,
        )
        for place in (shared, home)
    }
    assert read == home
    assert (row.lat, row.lon, row.label, row.door_code) == (None, None, None, None)
    assert b"4711" not in (row.sealed or b"")


async def test_another_companys_places_are_not_there(
    dispatch_api: DispatchApi, company_id: UUID
) -> None:
    other = await dispatch_api.company("Another")
    place = a_place()
    async with dispatch_api.ports.database.transaction(OWNER) as session:
        places = PlaceRepository(session, dispatch_api.ports.vault)
        await places.add_all(other, [place])
        assert await places.located(company_id, {place.id}) == {}
        assert await places.existing(company_id, {place.id}) == set()
        assert await places.find(company_id, place.id) is None


async def test_a_place_that_is_not_located_is_not_dispatchable(
    dispatch_api: DispatchApi, company_id: UUID
) -> None:
    place = a_place(lat=None, lon=None)
    async with dispatch_api.ports.database.transaction(OWNER) as session:
        places = PlaceRepository(session, dispatch_api.ports.vault)
        await places.add_all(company_id, [place])
        located = await places.located(company_id, {place.id})
    assert not located[place.id].dispatchable
