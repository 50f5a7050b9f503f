"""A POST that is sent again: one effect, the same answer, and nothing readable in the table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from support.booking_world import BookingWorld
from support.dispatch_client import DispatchApi

from atmr_common.database.idempotency import RepeatableRequest
from atmr_common.database.tenancy import OWNER, PLATFORM, of_company
from atmr_common.web.identity import Role
from dispatch_api import schema


@pytest.fixture
def world(dispatch_api: DispatchApi, company_id: UUID) -> BookingWorld:
    return BookingWorld(dispatch_api, company_id)


async def rows(api: DispatchApi, table: str) -> list[Any]:
    async with api.ports.database.transaction(OWNER) as session:
        everything = sa.select(schema.metadata.tables[f"dispatch.{table}"])
        return list(await session.execute(everything))


def keyed(key: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid4())}


async def test_a_repeated_booking_is_one_booking_with_one_event(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, world: BookingWorld
) -> None:
    leg, key = await world.leg(notes="Ring twice."), keyed()
    first = await dispatcher.post("/v1/bookings", json=leg, headers=key)
    again = await dispatcher.post("/v1/bookings", json=leg, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["etag"] == first.headers["etag"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await rows(dispatch_api, "booking")) == 1
    assert len(await rows(dispatch_api, "outbox")) == 1


async def test_without_a_key_or_with_another_one_it_happens_again(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, world: BookingWorld
) -> None:
    leg = await world.leg()
    for headers in ({}, {}, keyed(), keyed()):
        answer = await dispatcher.post("/v1/bookings", json=leg, headers=headers)
        assert answer.status_code == 201
    assert len(await rows(dispatch_api, "booking")) == 4


@pytest.mark.parametrize("change", ["body", "operation", "query"])
async def test_a_key_belongs_to_one_request(
    dispatcher: httpx.AsyncClient, world: BookingWorld, change: str
) -> None:
    leg, key = await world.leg(), keyed()
    await dispatcher.post("/v1/bookings", json=leg, headers=key)
    other = {
        "body": ("/v1/bookings", leg | {"companions": 1}),
        "operation": ("/v1/bookings/round-trips", leg),
        "query": ("/v1/bookings?x=1", leg),
    }
    path, body = other[change]
    if change == "operation":
        body = {name: body[name] for name in ("patient_id", "pickup_place_id", "dropoff_place_id")}
        body |= {"outbound": {"appointment_at": "2026-03-16T09:00:00+01:00"}}
        body |= {"inbound": {"will_call": True}}
    answer = await dispatcher.post(path, json=body, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_keys_of_others_are_others(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, world: BookingWorld
) -> None:
    key = keyed()
    assert (
        await dispatcher.post("/v1/bookings", json=await world.leg(), headers=key)
    ).status_code == 201
    colleague = dispatch_api.client(world.company_id, subject="colleague")
    elsewhere = BookingWorld(dispatch_api, await dispatch_api.company("Elsewhere"))
    for client, place in (
        (colleague, world),
        (dispatch_api.client(elsewhere.company_id), elsewhere),
    ):
        async with client:
            answer = await client.post("/v1/bookings", json=await place.leg(), headers=key)
        assert answer.status_code == 201
        assert "idempotency-replayed" not in answer.headers


async def test_what_failed_may_be_tried_again_under_the_same_key(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, world: BookingWorld
) -> None:
    leg, key = await world.leg(), keyed()
    refused = await dispatcher.post(
        "/v1/bookings", json=leg | {"patient_id": str(uuid4())}, headers=key
    )
    assert refused.status_code == 404
    assert await rows(dispatch_api, "idempotency_key") == []
    assert (await dispatcher.post("/v1/bookings", json=leg, headers=key)).status_code == 201


async def test_a_hundred_at_once_are_one(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, world: BookingWorld
) -> None:
    leg, key = await world.leg(), keyed()

    async def post() -> httpx.Response:
        return await dispatcher.post("/v1/bookings", json=leg, headers=key)

    answers = await asyncio.gather(*(post() for _ in range(20)))
    booked = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    refused = {answer.json()["code"] for answer in answers if answer.status_code != 201}
    assert len(booked) == 1
    assert refused <= {"request_in_flight"}
    assert len(await rows(dispatch_api, "booking")) == 1


async def test_while_the_first_is_open_the_second_is_refused_at_once(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, world: BookingWorld
) -> None:
    leg, key = await world.leg(), keyed("the-key")
    request = RepeatableRequest(
        company_id=world.company_id,
        subject="tester",
        key="the-key",
        operation="POST /v1/bookings?",
        fingerprint=b"",
    )
    database = dispatch_api.ports.database
    async with database.transaction(of_company(world.company_id)) as session:
        assert await dispatch_api.ports.answers.begin(session, request) == (True, None)
        answer = await dispatcher.post("/v1/bookings", json=leg, headers=key)
        assert (answer.status_code, answer.json()["code"]) == (409, "request_in_flight")
    assert (await dispatcher.post("/v1/bookings", json=leg, headers=key)).status_code == 201


async def test_the_platforms_own_requests_can_be_repeated(dispatch_api: DispatchApi) -> None:
    key = keyed()
    async with dispatch_api.client(None, Role.SERVICE) as platform:
        made = [
            await platform.post("/v1/companies", json={"name": "Once"}, headers=key)
            for _ in range(2)
        ]
    assert made[0].json() == made[1].json()
    assert len(await rows(dispatch_api, "company")) == 1
    async with dispatch_api.ports.database.transaction(PLATFORM) as session:
        count = sa.select(sa.func.count()).select_from(schema.idempotency_key)
        assert await session.scalar(count) == 1


async def test_nothing_readable_stands_in_the_table(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    key = keyed("my-very-own-key")
    patient = {"name": "Zaccaria Unverkennbar", "phone": "+41 79 555 01 23"}
    made = await dispatcher.post("/v1/patients", json=patient, headers=key)
    assert made.json()["name"] == patient["name"]
    kept = repr(await rows(dispatch_api, "idempotency_key"))
    for secret in ("Zaccaria", "Unverkennbar", "555", "my-very-own-key"):
        assert secret not in kept
    again = await dispatcher.post("/v1/patients", json=patient, headers=key)
    assert again.json() == made.json()


async def test_an_erased_patient_does_not_come_back_by_a_repeated_request(
    dispatcher: httpx.AsyncClient, world: BookingWorld
) -> None:
    keys = [keyed() for _ in range(4)]
    patient = {"name": "Zaccaria Unverkennbar"}
    made = await dispatcher.post("/v1/patients", json=patient, headers=keys[0])
    patient_id = made.json()["id"]
    home = {"patient_id": patient_id, "lat": 46.2, "lon": 6.1, "address": "Rue du Lac 1"}
    assert (await dispatcher.post("/v1/places", json=home, headers=keys[1])).status_code == 201
    leg = await world.leg(patient_id=patient_id, notes="Ring twice.")
    booked = await dispatcher.post("/v1/bookings", json=leg, headers=keys[2])
    away = f"/v1/bookings/{booked.json()['id']}/cancel"
    cancelled = await dispatcher.post(away, json={"reason": "no need"}, headers=keys[3])
    assert cancelled.status_code == 200, cancelled.text
    assert (await dispatcher.delete(f"/v1/patients/{patient_id}")).status_code == 204
    requests = [
        ("/v1/patients", patient),
        ("/v1/places", home),
        ("/v1/bookings", leg),
        (away, {"reason": "no need"}),
    ]
    for key, (path, body) in zip(keys, requests, strict=True):
        again = await dispatcher.post(path, json=body, headers=key)
        assert (again.status_code, again.json()["code"]) == (409, "answer_not_readable"), path


async def test_under_another_secret_it_is_still_done_once(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, world: BookingWorld
) -> None:
    leg, key = await world.leg(), keyed()
    await dispatcher.post("/v1/bookings", json=leg, headers=key)
    dispatch_api.ports.answers._secret = bytes(32)
    again = await dispatcher.post("/v1/bookings", json=leg, headers=key)
    assert (again.status_code, again.json()["code"]) == (409, "answer_not_readable")
    assert len(await rows(dispatch_api, "booking")) == 1


@pytest.mark.parametrize("key", ["", " ", "é", "x" * 256, "tab\tbed"])
async def test_what_is_no_key_is_refused(
    dispatcher: httpx.AsyncClient, world: BookingWorld, key: str
) -> None:
    answer = await dispatcher.post(
        "/v1/bookings",
        json=await world.leg(),
        headers=[(b"Idempotency-Key", key.encode())],
    )
    assert answer.status_code == 422
    pointers = {error["pointer"].lower() for error in answer.json()["errors"]}
    assert pointers == {"#/header/idempotency-key"}


async def test_a_csv_import_that_is_sent_again_imports_once(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    text = (
        "booking_id,patient_ref,direction,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,"
        "appointment_at,mobility\nB-1,P-7,ALLER,46.2044,6.1432,46.1936,6.1494,"
        "2026-03-16T09:00,wheelchair\n"
    )
    key = keyed()
    answers = [
        await dispatcher.post("/v1/imports/bookings", content=text, headers=key) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
    assert answers[0].content == answers[1].content
    assert len(await rows(dispatch_api, "booking")) == 1


async def test_a_search_takes_no_key_and_keeps_nothing(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    answer = await dispatcher.post("/v1/patients/search", json={"text": "Anna"}, headers=keyed())
    assert answer.status_code == 200
    assert await rows(dispatch_api, "idempotency_key") == []


@pytest.fixture
async def outsider(dispatch_api: DispatchApi) -> AsyncIterator[httpx.AsyncClient]:
    async with dispatch_api.client(await dispatch_api.company("Outsiders")) as client:
        yield client


async def test_row_level_security_hides_the_answers_of_other_companies(
    dispatch_api: DispatchApi,
    dispatcher: httpx.AsyncClient,
    world: BookingWorld,
    outsider: httpx.AsyncClient,
) -> None:
    await dispatcher.post("/v1/bookings", json=await world.leg(), headers=keyed())
    foreign = await outsider.get("/v1/company")
    other = of_company(UUID(foreign.json()["id"]))
    async with dispatch_api.ports.database.transaction(other) as session:
        count = sa.select(sa.func.count()).select_from(schema.idempotency_key)
        assert await session.scalar(count) == 0
