"""A clinic knows the patients that it created or has booked for, and no others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from support.booking_world import DAY, BookingWorld
from support.dispatch_client import DispatchApi

from atmr_common.web.identity import Role
from dispatch_api.bookings.domain import BookingState, Direction, Mobility
from dispatch_api.bookings.tables import BookingRow


@pytest.fixture
async def clinic(dispatch_api: DispatchApi, company_id: UUID) -> AsyncIterator[httpx.AsyncClient]:
    async with dispatch_api.client(company_id, Role.CLINIC, "clinic-a") as client:
        yield client


@pytest.fixture
async def other_clinic(
    dispatch_api: DispatchApi, company_id: UUID
) -> AsyncIterator[httpx.AsyncClient]:
    async with dispatch_api.client(company_id, Role.CLINIC, "clinic-b") as client:
        yield client


async def create(client: httpx.AsyncClient, name: str = "Mercier", **fields: object) -> str:
    answer = await client.post("/v1/patients", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def home_of(client: httpx.AsyncClient, patient_id: str) -> str:
    answer = await client.post(
        "/v1/places", json={"patient_id": patient_id, "label": "Home", "lat": 46.2, "lon": 6.1}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def listed(client: httpx.AsyncClient, **parameters: Any) -> list[str]:
    answer = await client.get("/v1/patients", params=parameters)
    return [patient["id"] for patient in answer.json()["items"]]


async def searched(client: httpx.AsyncClient) -> list[str]:
    answer = await client.post("/v1/patients/search", json={"text": "mercier"})
    return [patient["id"] for patient in answer.json()["items"]]


async def test_a_clinic_knows_what_it_created(
    clinic: httpx.AsyncClient, other_clinic: httpx.AsyncClient, dispatcher: httpx.AsyncClient
) -> None:
    own = await create(clinic, reference="P-1")
    others = await create(other_clinic)
    assert await listed(clinic) == await searched(clinic) == [own]
    assert await listed(clinic, reference="P-1") == [own]
    assert await listed(other_clinic, reference="P-1") == []
    assert await listed(dispatcher) == await searched(dispatcher) == [own, others]


async def test_anothers_patient_is_not_there_in_any_operation(
    dispatch_api: DispatchApi,
    company_id: UUID,
    clinic: httpx.AsyncClient,
    other_clinic: httpx.AsyncClient,
) -> None:
    patient_id = await create(other_clinic)
    home = await home_of(other_clinic, patient_id)
    path = f"/v1/patients/{patient_id}"
    leg = await BookingWorld(dispatch_api, company_id).leg(patient_id=patient_id)
    ends = {"pickup_place_id": leg["pickup_place_id"], "dropoff_place_id": leg["dropoff_place_id"]}
    round_trip = {
        "patient_id": patient_id,
        "mobility": "wheelchair",
        **ends,
        "outbound": {"pickup_from": leg["pickup_from"], "pickup_to": leg["pickup_to"]},
        "inbound": {"will_call": True},
    }
    answers = [
        await clinic.get(path),
        await clinic.patch(path, json={"name": "X"}),
        await clinic.post("/v1/places", json={"patient_id": patient_id, "lat": 46.2, "lon": 6.1}),
        await clinic.get(f"/v1/places/{home}"),
        await clinic.patch(f"/v1/places/{home}", json={"floor": "3"}),
        await clinic.post("/v1/bookings", json=leg),
        await clinic.post("/v1/bookings/round-trips", json=round_trip),
    ]
    assert [answer.status_code for answer in answers] == [404] * 7, [a.text for a in answers]
    homes = await clinic.get("/v1/places", params={"patient_id": patient_id})
    assert homes.json()["items"] == []
    unknown = (await clinic.get(f"/v1/patients/{UUID(int=5)}")).json()
    refused = answers[0].json()
    assert unknown.keys() == refused.keys()
    assert refused["code"] == unknown["code"]


async def test_a_clinic_knows_whom_it_has_booked_for(
    dispatch_api: DispatchApi,
    company_id: UUID,
    clinic: httpx.AsyncClient,
    other_clinic: httpx.AsyncClient,
    dispatcher: httpx.AsyncClient,
) -> None:
    """As for patients whose `created_by` release 0.1.0 did not keep."""
    world = BookingWorld(dispatch_api, company_id)
    patient_id = str(await world.patient())
    assert await listed(clinic) == []
    await world.add(await booking_row(world, patient_id, booked_by="clinic-a"))
    assert await listed(clinic) == [patient_id]
    assert (await clinic.get(f"/v1/patients/{patient_id}")).status_code == 200
    home = await home_of(clinic, patient_id)
    changed = await clinic.patch(f"/v1/places/{home}", json={"floor": "3"})
    assert changed.status_code == 200
    assert await listed(other_clinic) == []
    assert await listed(dispatcher) == [patient_id]


async def booking_row(world: BookingWorld, patient_id: str, *, booked_by: str) -> Any:
    return BookingRow(
        id=UUID(int=77),
        company_id=world.company_id,
        patient_id=UUID(patient_id),
        direction=Direction.ALLER,
        day=DAY,
        pickup_place_id=await world.place(),
        dropoff_place_id=await world.place(),
        mobility=Mobility.AMBULATORY,
        equipment=[],
        skills=[],
        state=BookingState.CONFIRMED,
        booked_by=booked_by,
        created_at=world.api.clock.now(),
    )


async def test_anothers_home_cannot_be_named_as_a_place(
    dispatch_api: DispatchApi,
    company_id: UUID,
    clinic: httpx.AsyncClient,
    other_clinic: httpx.AsyncClient,
    dispatcher: httpx.AsyncClient,
) -> None:
    """Nor told from one that does not exist; a dispatcher may send a vehicle to any home."""
    home = await home_of(other_clinic, await create(other_clinic))
    own = await create(clinic)
    world = BookingWorld(dispatch_api, company_id)
    booking = await world.booked(clinic, patient_id=own)
    path, seen = f"/v1/bookings/{booking['id']}", {"If-Match": '"1"'}
    for end in ("pickup_place_id", "dropoff_place_id"):
        for place_id in (home, str(UUID(int=5))):
            leg = await world.leg(patient_id=own, **{end: place_id})
            asked = await clinic.post("/v1/bookings", json=leg)
            changed = await clinic.patch(path, json={end: place_id}, headers=seen)
            for answer in (asked, changed):
                detail = f"There is no place {place_id}."
                assert (answer.status_code, answer.json()["detail"]) == (404, detail)
    moved = await dispatcher.patch(path, json={"pickup_place_id": home}, headers=seen)
    assert moved.status_code == 200
    kept = await clinic.patch(path, json={"companions": 1}, headers={"If-Match": '"2"'})
    assert kept.status_code == 200, "what a dispatcher chose is not in the clinic's way"
