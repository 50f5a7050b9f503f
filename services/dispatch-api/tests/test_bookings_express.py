"""The express path answers, stores and tells what the usual path does: one suite over both."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from support.booking_world import BookingWorld
from support.dispatch_client import DispatchApi

from atmr_common.database.group_commit import GroupCommit, OutcomeUnknownError
from atmr_common.database.tenancy import OWNER
from atmr_common.web.identity import Role
from dispatch_api import schema
from dispatch_api.app import create_app
from dispatch_api.bookings.express.batch import BookingBatch
from dispatch_api.bookings.schemas import NewBooking
from dispatch_api.geocoding.port import Precision
from dispatch_api.ports import Ports
from dispatch_api.settings import DispatchSettings

TABLES = ("booking", "booking_transition", "outbox", "patient_access_log", "usage")
OWN = {"id", "booking_id", "position", "key", "slot", "stripe", "created_at", "sealed_notes"}
"""Columns that are new with each booking."""


@pytest.fixture(params=["express", "usual"])
async def path(
    request: pytest.FixtureRequest, dispatch_api: DispatchApi, dispatch_settings: DispatchSettings
) -> AsyncIterator[DispatchApi]:
    """The API with the express path running, or without it."""
    if request.param == "usual":
        ports = without_express(dispatch_api)
        yield replace(dispatch_api, app=create_app(dispatch_settings, ports), ports=ports)
        return
    async with writing(dispatch_api):
        yield dispatch_api


def without_express(api: DispatchApi) -> Ports:
    return replace(api.ports, express=None, registry=CollectorRegistry())


class writing:  # noqa: N801 (reads as a block)
    """The writers of bookings run within the block."""

    def __init__(self, api: DispatchApi) -> None:
        assert api.ports.express is not None
        self.group = api.ports.express

    async def __aenter__(self) -> GroupCommit[Any, Any]:
        self._task = asyncio.create_task(self.group.run())
        async with asyncio.timeout(10):
            while not self.group.writing:  # noqa: ASYNC110 (it tells nobody)
                await asyncio.sleep(0.01)
        return self.group

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
def world(path: DispatchApi, company_id: UUID) -> BookingWorld:
    return BookingWorld(path, company_id)


@pytest.fixture
async def client(path: DispatchApi, company_id: UUID) -> AsyncIterator[httpx.AsyncClient]:
    async with path.client(company_id) as client:
        yield client


async def rows(api: DispatchApi, table: str) -> list[dict[str, Any]]:
    async with api.ports.database.transaction(OWNER) as session:
        stored = schema.metadata.tables[f"dispatch.{table}"]
        found = await session.execute(sa.select(stored).order_by(*stored.primary_key))
        return [dict(row._mapping) for row in found]


async def test_a_plain_booking(path: DispatchApi, world: BookingWorld, client: Any) -> None:
    leg = await world.leg(notes="Ring twice.", purpose="dialysis", equipment=["oxygen"])
    answer = await client.post("/v1/bookings", json=leg)
    booking = answer.json()
    assert (answer.status_code, booking["state"]) == (201, "confirmed"), answer.text
    assert booking["notes"] == "Ring twice."
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["location"] == f"/v1/bookings/{booking['id']}"
    read = await client.get(answer.headers["location"])
    assert read.json() == booking
    history = await client.get(answer.headers["location"] + "/transitions")
    assert [entry["to_state"] for entry in history.json()] == ["requested", "confirmed"]
    (event,) = await rows(path, "outbox")
    assert event["headers"]["ce_type"] == "dispatch.booking.v1.BookingRequested"
    assert event["key"] == booking["id"]
    used = await rows(path, "usage")
    assert sum(row["amount"] for row in used) == 1


@pytest.mark.parametrize("kind", ["appointment", "will_call", "home", "coarse", "bare"])
async def test_both_paths_store_and_answer_alike(
    dispatch_api: DispatchApi,
    dispatch_settings: DispatchSettings,
    company_id: UUID,
    kind: str,
) -> None:
    world = BookingWorld(dispatch_api, company_id)
    leg = await a_leg(world, dispatch_api, kind)
    usual = create_app(dispatch_settings, without_express(dispatch_api))
    seen = []
    for api in (dispatch_api, replace(dispatch_api, app=usual)):
        async with writing(dispatch_api), api.client(company_id) as client:
            before = {table: await rows(api, table) for table in TABLES}
            answer = await client.post("/v1/bookings", json=leg)
            stored = {
                table: [row for row in await rows(api, table) if row not in before[table]]
                for table in TABLES[:-1]
            }
            assert answer.status_code == 201, answer.text
        seen.append((answer, stored))
    (express, kept), (plain, usually) = seen
    assert express.status_code == plain.status_code == 201, express.text
    assert list(express.json()) == list(plain.json())
    assert without_ids(express.json()) == without_ids(plain.json())
    assert express.headers.keys() == plain.headers.keys()
    assert express.headers["content-type"] == plain.headers["content-type"]
    assert comparable(kept) == comparable(usually)


def without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in OWN}


def comparable(stored: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Rows without what is new each time: ids, and where they stand in events."""
    found = {}
    for table, entries in stored.items():
        found[table] = [without_ids(entry) for entry in entries]
        for entry in found[table]:
            entry.pop("value", None)
            for name in ("ce_id", "ce_subject", "ce_traceparent", "ce_time"):
                entry.get("headers", {}).pop(name, None)
    return found


async def a_leg(world: BookingWorld, api: DispatchApi, kind: str) -> dict[str, Any]:
    if kind == "home":
        async with api.client(world.company_id) as client:
            patient = (await client.post("/v1/patients", json={"name": "Test"})).json()["id"]
            home = {"patient_id": patient, "lat": 46.2, "lon": 6.1, "precision": "house"}
            made = await client.post("/v1/places", json=home | {"address": "Rue 1"})
            assert made.status_code == 201, made.text
        return await world.leg(patient_id=patient, pickup_place_id=made.json()["id"])
    if kind == "will_call":
        times = {"pickup_from": None, "pickup_to": None, "will_call": True, "day": "2026-03-16"}
        return await world.leg(**times, direction="RETOUR")
    if kind == "coarse":
        return await world.leg(pickup_place_id=str(await world.place(Precision.STREET)))
    if kind == "appointment":
        return await world.leg(appointment_at="2026-03-16T09:00:00+01:00", notes="n", priority=3)
    return await world.leg()


WRONG: list[tuple[int, dict[str, Any]]] = [
    (404, {"patient_id": str(UUID(int=1))}),
    (404, {"pickup_place_id": str(UUID(int=1))}),
    (422, {"pickup_to": "2026-03-16T07:00:00+01:00"}),
    (422, {"pickup_from": None, "pickup_to": None}),
    (422, {"surprise": 1}),
    (400, {"companions": 1e999}),
    (422, {"share_group": "a\x00b"}),
    (400, {"purpose": "\ud800"}),
    (422, {"appointment_at": "9999-12-31T23:59:59Z"}),
]


@pytest.mark.parametrize(("status", "change"), WRONG)
async def test_a_problem_is_the_same_problem(
    world: BookingWorld, client: httpx.AsyncClient, status: int, change: dict[str, Any]
) -> None:
    body = json.dumps(await world.leg(**change))  # ASCII with escapes, and Infinity
    kind = {"Content-Type": "application/json"}
    answer = await client.post("/v1/bookings", content=body, headers=kind)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await rows(world.api, "booking") == []
    assert await rows(world.api, "outbox") == []


async def test_a_return_is_linked(world: BookingWorld, client: httpx.AsyncClient) -> None:
    aller = await world.booked(client)
    later = {"pickup_from": "2026-03-16T10:00:00+01:00", "pickup_to": None}
    link = {"direction": "RETOUR", "linked_booking_id": aller["id"]}
    retour = await world.booked(client, patient_id=aller["patient_id"], **link, **later)
    assert retour["linked_booking_id"] == aller["id"]


async def test_a_reference_belongs_to_one_booking(
    world: BookingWorld, client: httpx.AsyncClient
) -> None:
    legs = [await world.leg(reference="B-1") for _ in range(8)]
    answers = await asyncio.gather(*(client.post("/v1/bookings", json=leg) for leg in legs))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201, *[409] * 7]
    problems = {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert problems <= {"reference_taken", "taken"}
    assert len(await rows(world.api, "booking")) == len(await rows(world.api, "outbox")) == 1


async def test_a_key_is_one_booking_whichever_path_repeats_it(
    world: BookingWorld, client: httpx.AsyncClient
) -> None:
    leg, key = await world.leg(), {"Idempotency-Key": str(uuid4())}
    first = await client.post("/v1/bookings", json=leg, headers=key)
    usual = create_app_without_express(world.api)
    async with replace(world.api, app=usual).client(world.company_id) as other:
        again = await other.post("/v1/bookings", json=leg, headers=key)
    third = await client.post("/v1/bookings", json=leg, headers=key)
    assert first.status_code == again.status_code == third.status_code == 201, again.text
    assert first.content == again.content == third.content
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["content-type"] == first.headers["content-type"]
    reused = await client.post("/v1/bookings", json=leg | {"companions": 2}, headers=key)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    assert len(await rows(world.api, "booking")) == 1


def create_app_without_express(api: DispatchApi) -> Any:
    made = DispatchSettings(_env_file=None, patient_key="A" * 43 + "=")
    return create_app(made, without_express(api))


async def test_many_with_one_key_are_one_booking(
    world: BookingWorld, client: httpx.AsyncClient
) -> None:
    leg, key = await world.leg(), {"Idempotency-Key": str(uuid4())}
    answers = await asyncio.gather(
        *(client.post("/v1/bookings", json=leg, headers=key) for _ in range(24))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert len(await rows(world.api, "booking")) == len(await rows(world.api, "outbox")) == 1


async def test_neighbours_of_a_bad_one_are_booked(
    world: BookingWorld, client: httpx.AsyncClient
) -> None:
    good = [await world.leg() for _ in range(10)]
    bad = [
        await world.leg(patient_id=str(UUID(int=1))),
        await world.leg(share_group="a\x00b"),
        await world.leg(surprise=1),
    ]
    answers = await asyncio.gather(*(client.post("/v1/bookings", json=leg) for leg in good + bad))
    assert [answer.status_code for answer in answers[:10]] == [201] * 10
    assert all(answer.status_code >= 400 for answer in answers[10:])
    assert len(await rows(world.api, "booking")) == 10


async def test_companies_in_one_batch_stay_apart(path: DispatchApi, company_id: UUID) -> None:
    worlds = [BookingWorld(path, company_id), BookingWorld(path, await path.company("Other"))]
    legs = [await world.leg() for world in worlds]
    clients = [path.client(world.company_id) for world in worlds]
    own = [client.post("/v1/bookings", json=leg) for client, leg in zip(clients, legs, strict=True)]
    foreign = [
        client.post("/v1/bookings", json=leg)
        for client, leg in zip(clients, reversed(legs), strict=True)
    ]
    answers = await asyncio.gather(*own, *foreign)
    assert [answer.status_code for answer in answers] == [201, 201, 404, 404]
    for client in clients:
        await client.aclose()
    stored = await rows(path, "booking")
    assert sorted(row["company_id"] for row in stored) == sorted(w.company_id for w in worlds)


@pytest.mark.parametrize(
    ("role", "company", "status"),
    [
        (Role.CLINIC, "own", 404),
        (Role.DRIVER, "own", 403),
        (Role.SERVICE, None, 403),
    ],
)
async def test_who_may_not_book_is_refused_alike(
    path: DispatchApi, world: BookingWorld, role: Role, company: str | None, status: int
) -> None:
    leg = await world.leg()
    async with path.client(world.company_id if company else None, role) as client:
        answer = await client.post("/v1/bookings", json=leg)
    assert answer.status_code == status, answer.text


async def test_without_a_token_or_with_a_bad_one(path: DispatchApi, world: BookingWorld) -> None:
    leg = await world.leg()
    for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic abc"}):
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(path.app), base_url="http://d", headers=headers
        ) as client:
            assert (await client.post("/v1/bookings", json=leg)).status_code == 401


async def test_an_erased_patient_gets_no_booking(
    world: BookingWorld, client: httpx.AsyncClient
) -> None:
    leg = await world.leg()
    await world.erase(UUID(leg["patient_id"]))
    assert (await client.post("/v1/bookings", json=leg)).status_code == 404


async def test_without_writers_the_usual_path_answers(
    dispatch_api: DispatchApi, company_id: UUID
) -> None:
    world = BookingWorld(dispatch_api, company_id)
    assert dispatch_api.ports.express is not None
    assert not dispatch_api.ports.express.writing
    async with dispatch_api.client(company_id) as client:
        assert (await world.booked(client))["state"] == "confirmed"


async def test_a_plain_booking_really_takes_the_express_path(
    dispatch_api: DispatchApi, company_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = BookingWorld(dispatch_api, company_id)
    taken: list[int] = []
    real = BookingBatch.__call__

    async def counted(self: BookingBatch, connection: Any, orders: Any) -> Any:
        accepted = await real(self, connection, orders)
        taken.append(sum(each is not None for each in accepted))
        return accepted

    monkeypatch.setattr(BookingBatch, "__call__", counted)
    async with writing(dispatch_api), dispatch_api.client(company_id) as client:
        await world.booked(client, notes="n")
        await client.post("/v1/bookings", json=await world.leg(), headers={"Idempotency-Key": "k"})
    assert taken == [1, 1]


async def test_an_unknown_outcome_is_told_and_never_tried_again(
    dispatch_api: DispatchApi, company_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = BookingWorld(dispatch_api, company_id)

    async def lost(*_: Any) -> Any:
        raise OutcomeUnknownError

    monkeypatch.setattr(BookingBatch, "_commit", lost)
    async with writing(dispatch_api), dispatch_api.client(company_id) as client:
        answer = await client.post("/v1/bookings", json=await world.leg())
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"]
    assert await rows(dispatch_api, "booking") == []


async def test_after_an_error_in_the_middle_the_next_batch_begins_anew(
    dispatch_api: DispatchApi, company_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = BookingWorld(dispatch_api, company_id)
    leg = await world.leg(notes="n")
    assert dispatch_api.ports.express is not None
    with monkeypatch.context() as patch:
        patch.setattr("dispatch_api.bookings.express.batch._left_out", _fail)
        async with writing(dispatch_api), dispatch_api.client(company_id) as client:
            assert (await client.post("/v1/bookings", json=leg)).status_code == 201
            patch.undo()
            for _ in range(3):  # each writer has its turn
                assert (await client.post("/v1/bookings", json=leg)).status_code == 201
    assert len(await rows(dispatch_api, "booking")) == 4
    assert sum(row["amount"] for row in await rows(dispatch_api, "usage")) == 4


def _fail(*_: Any) -> Any:
    raise RuntimeError("in the middle")


TEXTS = st.text(max_size=60)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    change=st.fixed_dictionaries(
        {},
        optional={
            "notes": TEXTS,
            "share_group": TEXTS,
            "companions": st.integers(-1, 30),
            "equipment": st.lists(TEXTS, max_size=3),
            "max_ride_min": st.floats(0, 2_000) | st.none(),
            "priority": st.integers(-1, 101),
            "purpose": TEXTS | st.none(),
            "will_call": st.booleans(),
            "mobility": st.sampled_from(["ambulatory", "stretcher", None, "flying"]),
        },
    )
)
async def test_whatever_is_asked_both_answer_alike(
    dispatch_api: DispatchApi, company_id: UUID, change: dict[str, Any]
) -> None:
    world = BookingWorld(dispatch_api, company_id)
    leg = await world.leg(**change)
    usual = replace(dispatch_api, app=create_app_without_express(dispatch_api))
    async with (
        writing(dispatch_api),
        dispatch_api.client(company_id) as first,
        usual.client(company_id) as second,
    ):
        express = await first.post("/v1/bookings", json=leg)
        plain = await second.post("/v1/bookings", json=leg)
    assert express.status_code == plain.status_code, (express.text, plain.text)
    shown = [without_ids(answer.json()) for answer in (express, plain)]
    for answer in shown:
        answer.pop("request_id", None)
    assert shown[0] == shown[1]


def test_the_statement_names_every_field_of_a_booking() -> None:
    from dispatch_api.bookings.express.statements import BOOKING  # noqa: PLC0415
    from dispatch_api.bookings.tables import BookingRow  # noqa: PLC0415

    always_empty = {"linked_booking_id", "ready_at", "locked_duty_id"}
    assert {name for name, _ in BOOKING} == BookingRow.model_fields.keys() - always_empty
    assert NewBooking.model_fields.keys() - {"notes"} <= BookingRow.model_fields.keys()
