"""Patients through the API: sealed, found, masked by role, audited, erased."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from sqlmodel import col
from support.booking_world import BookingWorld
from support.dispatch_client import DispatchApi

from atmr_common.database.tenancy import OWNER
from atmr_common.web.identity import Role
from dispatch_api.patients.tables import PatientAccessRow, PatientRow, PatientTokenRow
from dispatch_api.places.tables import PlaceRow

ELISE = {
    "reference": "P-1042",
    "mobility": "wheelchair",
    "name": "Élise Mercier",
    "phone": "+41 22 555 01 23",
    "birth_year": 1948,
    "notes": "Hard of hearing",
}


async def create(client: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    answer = await client.post("/v1/patients", json=ELISE | fields)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def search(client: httpx.AsyncClient, text: str) -> list[str]:
    answer = await client.post("/v1/patients/search", json={"text": text})
    assert answer.status_code == 200, answer.text
    return [patient["id"] for patient in answer.json()["items"]]


async def test_a_patient_is_read_as_created(dispatcher: httpx.AsyncClient) -> None:
    created = await create(dispatcher)
    read = (await dispatcher.get(f"/v1/patients/{created['id']}")).json()
    assert read == created
    assert ELISE.items() <= read.items()
    assert (read["masked"], read["erased"], read["version"]) == (False, False, 1)


async def test_nothing_that_identifies_stands_readable_in_the_table(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    created = await create(dispatcher)
    async with dispatch_api.ports.database.transaction(OWNER) as session:
        row = await session.get_one(PatientRow, UUID(created["id"]))
    kept = repr(row.model_dump()).encode() + (row.sealed or b"") + (row.data_key or b"")
    for secret in ("Mercier", "555 01 23", "1948", "hearing"):
        assert secret.encode() not in kept


async def test_patients_are_found_by_name_and_phone(dispatcher: httpx.AsyncClient) -> None:
    elise = (await create(dispatcher))["id"]
    other = (await create(dispatcher, reference="P-2", name="Elisa Favre", phone=None))["id"]
    assert await search(dispatcher, "elis") == [elise, other]
    assert await search(dispatcher, "ELISE merc") == [elise]
    assert await search(dispatcher, "022 555 01 23") == [elise]
    assert await search(dispatcher, "merx") == []


async def test_a_change_is_found_and_the_old_name_is_not(dispatcher: httpx.AsyncClient) -> None:
    patient = await create(dispatcher)
    answer = await dispatcher.patch(
        f"/v1/patients/{patient['id']}", json={"name": "Élise Rochat", "phone": None}
    )
    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["name"], changed["phone"], changed["version"]) == ("Élise Rochat", None, 2)
    assert changed["notes"] == ELISE["notes"]
    assert await search(dispatcher, "rochat") == [patient["id"]]
    assert await search(dispatcher, "mercier") == await search(dispatcher, "0225550123") == []


async def test_lists_page_by_cursor_and_find_a_reference(dispatcher: httpx.AsyncClient) -> None:
    ids = [(await create(dispatcher, reference=f"P-{n}"))["id"] for n in range(3)]
    first = (await dispatcher.get("/v1/patients", params={"limit": 2})).json()
    cursor = first["next_cursor"]
    rest = (await dispatcher.get("/v1/patients", params={"limit": 2, "cursor": cursor})).json()
    assert sorted(p["id"] for p in first["items"] + rest["items"]) == sorted(ids)
    assert rest["next_cursor"] is None
    one = (await dispatcher.get("/v1/patients", params={"reference": "P-1"})).json()
    assert [patient["id"] for patient in one["items"]] == [ids[1]]


async def test_a_reference_is_given_once(dispatcher: httpx.AsyncClient) -> None:
    await create(dispatcher)
    other = await create(dispatcher, reference="P-2")
    again = await dispatcher.post("/v1/patients", json=ELISE)
    moved = await dispatcher.patch(f"/v1/patients/{other['id']}", json={"reference": "P-1042"})
    for answer in (again, moved):
        assert (answer.status_code, answer.json()["code"]) == (409, "taken")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": ""}, "#/body/name"),
        ({"phone": "call me"}, "#/body/phone"),
        ({"birth_year": 3000}, "#/body/birth_year"),
        ({"mobility": "flying"}, "#/body/mobility"),
        ({"nickname": "E"}, "#/body/nickname"),
    ],
)
async def test_wrong_fields_are_pointed_at(
    dispatcher: httpx.AsyncClient, fields: dict[str, object], pointer: str
) -> None:
    answer = await dispatcher.post("/v1/patients", json=ELISE | fields)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("role", [Role.DRIVER, Role.SERVICE])
async def test_drivers_and_services_see_a_masked_patient(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID, role: Role
) -> None:
    patient = await create(dispatcher)
    world = BookingWorld(dispatch_api, company_id)
    await world.carried(dispatcher, "driver-1", patient_id=patient["id"])
    async with dispatch_api.client(company_id, role, "driver-1") as client:
        seen = (await client.get(f"/v1/patients/{patient['id']}")).json()
        refused = await client.post("/v1/patients/search", json={"text": "mercier"})
    assert seen["masked"]
    assert (seen["id"], seen["mobility"]) == (patient["id"], "wheelchair")
    assert [seen[name] for name in ("name", "phone", "birth_year", "notes")] == [None] * 4
    assert refused.status_code == 403


async def test_every_read_of_identifying_fields_is_on_record(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
) -> None:
    async with dispatch_api.client(company_id, Role.CLINIC, "nurse") as clinic:
        patient = await create(clinic, notes=None)
        path = f"/v1/patients/{patient['id']}"
        await clinic.get(path)
        await search(clinic, "mercier")
    async with dispatch_api.client(company_id, Role.DRIVER, "driver") as driver:
        await driver.get(path)
    async with dispatch_api.client(company_id, Role.ADMIN, "admin") as admin:
        entries = (await admin.get(path + "/accesses")).json()["items"]
    assert [entry["subject"] for entry in entries] == ["nurse", "nurse", "nurse"]
    assert entries[0]["role"] == "clinic"
    assert entries[0]["fields"] == ["name", "phone", "birth_year"]
    refused = await dispatcher.get(path + "/accesses")
    assert refused.status_code == 403


async def test_erasure_leaves_the_id_and_nothing_else(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    patient = await create(dispatcher)
    patient_id = UUID(patient["id"])
    home = await dispatcher.post(
        "/v1/places",
        json={"patient_id": patient["id"], "label": "Home", "lat": 46.2, "lon": 6.1},
    )
    assert (await dispatcher.delete(f"/v1/patients/{patient_id}")).status_code == 204
    read = (await dispatcher.get(f"/v1/patients/{patient_id}")).json()
    assert (read["erased"], read["name"], read["reference"]) == (True, None, None)
    assert await search(dispatcher, "mercier") == []
    place = (await dispatcher.get(f"/v1/places/{home.json()['id']}")).json()
    assert (place["lat"], place["dispatchable"]) == (None, False)
    async with dispatch_api.ports.database.transaction(OWNER) as session:
        row = await session.get_one(PatientRow, patient_id)
        tokens = sa.select(sa.func.count()).where(col(PatientTokenRow.patient_id) == patient_id)
        kept_home = await session.get_one(PlaceRow, UUID(home.json()["id"]))
        assert (row.data_key, row.sealed) == (None, None)
        assert await session.scalar(tokens) == 0
        assert kept_home.sealed == b""
        reads = sa.select(sa.func.count()).where(col(PatientAccessRow.patient_id) == patient_id)
        assert (await session.scalar(reads) or 0) > 0


async def test_a_patient_with_a_transport_to_come_is_not_erased(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
) -> None:
    patient = await create(dispatcher)
    booking = await BookingWorld(dispatch_api, company_id).booked(
        dispatcher, patient_id=patient["id"]
    )
    refused = await dispatcher.delete(f"/v1/patients/{patient['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "patient_booked")
    assert refused.json()["bookings"] == [booking["id"]]
    assert await search(dispatcher, "mercier") == [patient["id"]]


async def test_an_erased_patient_cannot_be_changed_or_get_a_home(
    dispatcher: httpx.AsyncClient,
) -> None:
    patient = await create(dispatcher)
    point = {"patient_id": patient["id"], "lat": 46.2, "lon": 6.1}
    old_home = (await dispatcher.post("/v1/places", json=point)).json()["id"]
    await dispatcher.delete(f"/v1/patients/{patient['id']}")
    pin = await dispatcher.patch(f"/v1/places/{old_home}/pin", json={"lat": 46.2, "lon": 6.1})
    change = await dispatcher.patch(f"/v1/patients/{patient['id']}", json={"name": "X"})
    home = await dispatcher.post("/v1/places", json=point)
    for answer in (change, home, pin):
        assert (answer.status_code, answer.json()["code"]) == (409, "patient_erased")


async def test_another_companys_patients_are_not_there(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    patient = await create(dispatcher)
    path = f"/v1/patients/{patient['id']}"
    async with dispatch_api.client(await dispatch_api.company("B"), Role.ADMIN) as stranger:
        assert (await stranger.get("/v1/patients")).json()["items"] == []
        assert await search(stranger, "mercier") == []
        answers = [
            await stranger.get(path),
            await stranger.patch(path, json={"name": "X"}),
            await stranger.delete(path),
            await stranger.get(path + "/accesses"),
            await stranger.post(
                "/v1/places", json={"patient_id": patient["id"], "lat": 46.2, "lon": 6.1}
            ),
        ]
        homes = await stranger.get("/v1/places", params={"patient_id": patient["id"]})
        assert (await stranger.post("/v1/patients", json=ELISE)).status_code == 201
    assert [answer.status_code for answer in answers] == [404] * 5
    assert homes.json()["items"] == []
    assert (await dispatcher.get(path)).json()["name"] == ELISE["name"]


async def test_an_unknown_patient_is_not_found(dispatcher: httpx.AsyncClient) -> None:
    answer = await dispatcher.get(f"/v1/patients/{uuid4()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
