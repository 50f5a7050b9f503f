"""Asking for transports: what is confirmed at once, what waits, what is refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from support.booking_world import BookingWorld
from support.dispatch_client import DispatchApi

from atmr_common.database.tenancy import OWNER
from atmr_common.web.identity import Role
from dispatch_api.bookings.tables import BookingRow
from dispatch_api.geocoding.port import Precision


@pytest.fixture
def world(dispatch_api: DispatchApi, company_id: UUID) -> BookingWorld:
    return BookingWorld(dispatch_api, company_id)


async def test_a_complete_booking_is_confirmed_at_once(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    answer = await dispatcher.post("/v1/bookings", json=await world.leg(notes="Ring twice."))
    booking = answer.json()
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["location"] == f"/v1/bookings/{booking['id']}"
    assert (booking["state"], booking["day"]) == ("confirmed", "2026-03-16")
    assert (booking["notes"], booking["reason"]) == ("Ring twice.", None)
    assert (await dispatcher.get(f"/v1/bookings/{booking['id']}")).json() == booking
    history = (await dispatcher.get(f"/v1/bookings/{booking['id']}/transitions")).json()
    assert [(entry["from_state"], entry["to_state"]) for entry in history] == [
        (None, "requested"),
        ("requested", "confirmed"),
    ]


async def test_the_day_is_the_companys_local_one(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    late = "2026-03-16T23:30:00+00:00"  # half past midnight in Zurich
    booking = await world.booked(dispatcher, pickup_from=late, pickup_to=None)
    assert booking["day"] == "2026-03-17"


async def test_the_patients_mobility_counts_where_none_is_given(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    patient = str(await world.patient("stretcher"))
    booking = await world.booked(dispatcher, patient_id=patient, mobility=None)
    assert booking["mobility"] == "stretcher"


async def test_a_coarse_place_keeps_the_booking_waiting_with_the_reason(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    street = await world.place(Precision.STREET)
    booking = await world.booked(dispatcher, pickup_place_id=str(street))
    assert booking["state"] == "requested"
    assert "pickup is known to the street only" in booking["reason"]
    confirm = f"/v1/bookings/{booking['id']}/confirm"
    refused = await dispatcher.post(confirm)
    assert (refused.status_code, refused.json()["code"]) == (409, "place_too_coarse")
    await world.correct_pin(street)
    confirmed = await dispatcher.post(confirm)
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "confirmed")
    again = await dispatcher.post(confirm)
    assert (again.status_code, again.json()["allowed"]) == (409, ["assigned", "cancelled"])


async def test_a_will_call_without_a_time_awaits_the_patient(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    open_end = {"pickup_from": None, "pickup_to": None, "will_call": True}
    refused = await dispatcher.post("/v1/bookings", json=await world.leg(**open_end))
    assert refused.json()["errors"][0]["pointer"] == "#/body/day"
    booking = await world.booked(dispatcher, day="2026-03-16", **open_end)
    assert booking["state"] == "awaiting_ready"


async def test_a_round_trip_is_two_linked_legs(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    leg = await world.leg()
    body = {
        "patient_id": leg["patient_id"],
        "pickup_place_id": leg["pickup_place_id"],
        "dropoff_place_id": leg["dropoff_place_id"],
        "mobility": "wheelchair",
        "outbound": {"appointment_at": "2026-03-16T09:00:00+01:00", "reference": "A"},
        "inbound": {"will_call": True, "notes": "on call"},
    }
    answer = await dispatcher.post("/v1/bookings/round-trips", json=body)
    assert answer.status_code == 201, answer.text
    there, back = answer.json()["outbound"], answer.json()["inbound"]
    assert (there["direction"], back["direction"]) == ("ALLER", "RETOUR")
    assert back["linked_booking_id"] == there["id"]
    assert (there["state"], back["state"]) == ("confirmed", "awaiting_ready")
    assert back["day"] == "2026-03-16"
    assert (back["pickup_place_id"], back["dropoff_place_id"]) == (
        there["dropoff_place_id"],
        there["pickup_place_id"],
    )
    body["inbound"] = {"pickup_from": "2026-03-16T07:00:00+01:00"}
    body["outbound"] = {"pickup_from": "2026-03-16T08:00:00+01:00"}
    refused = await dispatcher.post("/v1/bookings/round-trips", json=body)
    assert refused.json()["errors"][0]["pointer"] == "#/body/inbound/pickup_from"


async def test_a_link_names_an_aller_of_the_same_patient_without_a_return(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    aller = await world.booked(dispatcher)
    back: dict[str, Any] = {
        "direction": "RETOUR",
        "linked_booking_id": aller["id"],
        "pickup_from": "2026-03-16T11:00:00+01:00",
        "pickup_to": None,
    }
    other = await dispatcher.post("/v1/bookings", json=await world.leg(**back))
    assert other.status_code == 404
    back["patient_id"] = aller["patient_id"]
    retour = await world.booked(dispatcher, **back)
    assert retour["linked_booking_id"] == aller["id"]
    second = await dispatcher.post("/v1/bookings", json=await world.leg(**back))
    assert (second.status_code, second.json()["code"]) == (409, "already_linked")
    back["linked_booking_id"] = retour["id"]
    wrong_way = await dispatcher.post("/v1/bookings", json=await world.leg(**back))
    assert wrong_way.json()["errors"][0]["pointer"] == "#/body/linked_booking_id"
    await dispatcher.post(f"/v1/bookings/{retour['id']}/cancel", json={"reason": "by taxi"})
    back["linked_booking_id"] = aller["id"]
    assert (await world.booked(dispatcher, **back))["state"] == "confirmed"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"pickup_to": "2026-03-16T08:00:00+01:00"}, "#/body/pickup_to"),
        ({"pickup_to": "2026-03-18T08:00:00+01:00"}, "#/body/pickup_to"),
        ({"appointment_at": "2026-03-16T08:00:00+01:00"}, "#/body/appointment_at"),
        ({"pickup_from": None, "pickup_to": None}, "#/body/pickup_from"),
        ({"pickup_from": "2062-03-16T08:10:00+01:00", "pickup_to": None}, "#/body/pickup_from"),
        ({"pickup_from": "2026-03-16T08:10:00"}, "#/body/pickup_from"),
        ({"day": "2026-03-17"}, "#/body/day"),
        ({"ready_forecast": "2026-03-16T08:10:00+01:00"}, "#/body/ready_forecast"),
        ({"companions": 21}, "#/body/companions"),
        ({"equipment": ["x" * 41]}, "#/body/equipment/0"),
        ({"colour": "red"}, "#/body/colour"),
        ({"linked_booking_id": str(uuid4())}, "#/body"),
    ],
)
async def test_what_cannot_be_right_is_refused_with_a_pointer(
    world: BookingWorld, dispatcher: httpx.AsyncClient, fields: dict[str, Any], pointer: str
) -> None:
    answer = await dispatcher.post("/v1/bookings", json=await world.leg(**fields))
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


async def test_a_reference_is_used_once(world: BookingWorld, dispatcher: httpx.AsyncClient) -> None:
    await world.booked(dispatcher, reference="B-1")
    answer = await dispatcher.post("/v1/bookings", json=await world.leg(reference="B-1"))
    assert (answer.status_code, answer.json()["code"]) == (409, "reference_taken")


async def test_notes_are_sealed_and_gone_with_the_patients_key(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking = await world.booked(dispatcher, notes="Ring twice.")
    async with world.api.ports.database.transaction(OWNER) as session:
        row = await session.get_one(BookingRow, UUID(booking["id"]))
    assert row.sealed_notes is not None
    assert b"Ring" not in row.sealed_notes
    await world.erase(UUID(booking["patient_id"]))
    erased = (await dispatcher.get(f"/v1/bookings/{booking['id']}")).json()
    assert erased["notes"] is None
    answer = await dispatcher.post(
        "/v1/bookings", json=await world.leg(patient_id=booking["patient_id"])
    )
    assert answer.status_code == 404


async def test_lists_are_filtered_and_paged(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booked = [await world.booked(dispatcher) for _ in range(5)]
    tomorrow = {"pickup_from": "2026-03-17T08:10:00+01:00", "pickup_to": None}
    await world.booked(dispatcher, **tomorrow)
    found, cursor = [], None
    while True:
        parameters = {"day": "2026-03-16", "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await dispatcher.get("/v1/bookings", params=parameters)).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [item["id"] for item in found] == [item["id"] for item in booked]
    for name, value, count in (
        ("state", "confirmed", 6),
        ("state", "requested", 0),
        ("direction", "RETOUR", 0),
        ("patient_id", booked[2]["patient_id"], 1),
    ):
        page = (await dispatcher.get("/v1/bookings", params={name: value})).json()
        assert len(page["items"]) == count, name
    broken = await dispatcher.get("/v1/bookings", params={"cursor": "WyJ4Il0"})
    assert broken.status_code == 422


async def test_a_clinic_sees_and_changes_only_what_it_booked(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    foreign = await world.booked(dispatcher)
    async with world.api.client(world.company_id, Role.CLINIC, "clinic-a") as clinic:
        own = await world.booked(clinic, patient_id=str(await world.patient(by="clinic-a")))
        page = (await clinic.get("/v1/bookings")).json()
        assert [item["id"] for item in page["items"]] == [own["id"]]
        reason = {"reason": "not needed"}
        path = f"/v1/bookings/{foreign['id']}"
        assert (await clinic.get(path)).status_code == 404
        assert (await clinic.get(f"{path}/transitions")).status_code == 404
        assert (await clinic.post(f"{path}/cancel", json=reason)).status_code == 404
        link = {"direction": "RETOUR", "linked_booking_id": foreign["id"]}
        body = await world.leg(patient_id=foreign["patient_id"], **link)
        assert (await clinic.post("/v1/bookings", json=body)).status_code == 404
        assert (await clinic.post(f"/v1/bookings/{own['id']}/hold", json=reason)).status_code == 403
        cancelled = await clinic.post(f"/v1/bookings/{own['id']}/cancel", json=reason)
        assert cancelled.json()["state"] == "cancelled"


async def test_a_driver_does_not_read_bookings(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking = await world.booked(dispatcher)
    async with world.api.client(world.company_id, Role.DRIVER) as driver:
        assert (await driver.get("/v1/bookings")).status_code == 403
        assert (await driver.get(f"/v1/bookings/{booking['id']}")).status_code == 403
