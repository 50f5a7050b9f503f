"""A booking's life after it was asked for: edits, progress, cancellations, no-shows, holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from support.booking_world import BookingWorld
from support.dispatch_client import TODAY, DispatchApi

from atmr_common.database.tenancy import OWNER
from atmr_common.web.identity import Role
from dispatch_api.geocoding.port import Precision
from dispatch_api.patients.tables import PatientAccessRow
from dispatch_api.plans.repository import PlanRepository
from dispatch_api.schema import outbox

EVENING = {"pickup_from": "2026-03-16T18:00:00+01:00", "pickup_to": None}
PICKUP = TODAY + timedelta(hours=1, minutes=10)  # 08:10 in Zurich


@pytest.fixture
def world(dispatch_api: DispatchApi, company_id: UUID) -> BookingWorld:
    return BookingWorld(dispatch_api, company_id)


@pytest.fixture
async def driver(world: BookingWorld) -> AsyncIterator[httpx.AsyncClient]:
    async with world.api.client(world.company_id, Role.DRIVER, "driver-1") as client:
        yield client


async def _assigned(
    world: BookingWorld, dispatcher: httpx.AsyncClient, **fields: Any
) -> dict[str, Any]:
    """A booking assigned to a duty of driver-1, planned at 08:10."""
    booking = await world.booked(dispatcher, **fields)
    await world.assign(booking["id"], await world.duty(), PICKUP)
    return (await dispatcher.get(f"/v1/bookings/{booking['id']}")).json()


async def _edit(
    client: httpx.AsyncClient, booking: dict[str, Any], **change: Any
) -> httpx.Response:
    headers = {"If-Match": f'"{booking["version"]}"'}
    return await client.patch(f"/v1/bookings/{booking['id']}", json=change, headers=headers)


async def _report(client: httpx.AsyncClient, booking: dict[str, Any], state: str) -> httpx.Response:
    return await client.post(f"/v1/bookings/{booking['id']}/progress", json={"state": state})


async def _events(world: BookingWorld) -> list[tuple[str, int]]:
    """Name and aggregate version of what the outbox holds, in its order."""
    async with world.api.ports.database.transaction(OWNER) as session:
        rows = await session.execute(outbox.select().order_by(outbox.c.position))
        headers = [row.headers for row in rows]
    return [(h["ce_type"].rpartition(".")[2], int(h["ce_aggregateversion"])) for h in headers]


async def _is_planned(world: BookingWorld, booking: dict[str, Any]) -> bool:
    async with world.api.ports.database.transaction(OWNER) as session:
        planned = await PlanRepository(session).assignments(world.company_id, date(2026, 3, 16))
    return UUID(booking["id"]) in planned


async def test_an_edit_names_the_version_that_it_read(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking = await world.booked(dispatcher)
    path = f"/v1/bookings/{booking['id']}"
    missing = await dispatcher.patch(path, json={"companions": 1})
    assert (missing.status_code, missing.json()["code"]) == (428, "version_missing")
    broken = await dispatcher.patch(path, json={"companions": 1}, headers={"If-Match": "x"})
    assert broken.status_code == 422
    changed = await _edit(dispatcher, booking, companions=1)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    stale = await _edit(dispatcher, booking, companions=2)
    assert (stale.status_code, stale.json()["version"]) == (412, 2)
    cancel = await dispatcher.post(
        f"{path}/cancel", json={"reason": "too old"}, headers={"If-Match": '"1"'}
    )
    assert cancel.status_code == 412


async def test_an_edit_of_an_assigned_booking_releases_it(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking = await _assigned(world, dispatcher)
    changed = (await _edit(dispatcher, booking, companions=1)).json()
    assert (changed["state"], changed["companions"]) == ("confirmed", 1)
    assert changed["reason"] == "changed: companions"
    assert not await _is_planned(world, booking)
    assert (await _events(world))[-2:] == [("AssignmentReleased", 2), ("BookingChanged", 3)]


async def test_new_notes_leave_an_assigned_booking_in_its_plan(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking = await _assigned(world, dispatcher)
    changed = (await _edit(dispatcher, booking, notes="New code 12")).json()
    assert (changed["state"], changed["notes"]) == ("assigned", "New code 12")
    assert await _is_planned(world, booking)
    cleared = (await _edit(dispatcher, changed, notes=None)).json()
    assert cleared["notes"] is None


async def test_an_edit_that_changes_nothing_keeps_the_version(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking = await world.booked(dispatcher)
    same = await _edit(dispatcher, booking, companions=0, pickup_from=booking["pickup_from"])
    assert same.json()["version"] == 1


async def test_an_edit_can_move_the_booking_to_another_day(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking = await world.booked(dispatcher)
    lock = {"duty_id": str(await world.duty())}
    locked = (await dispatcher.put(f"/v1/bookings/{booking['id']}/lock", json=lock)).json()
    times = {"pickup_from": "2026-03-18T08:00:00+01:00", "pickup_to": None}
    moved = (await _edit(dispatcher, locked, **times)).json()
    assert (moved["day"], moved["locked_duty_id"]) == ("2026-03-18", None)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"pickup_to": "2026-03-16T08:00:00+01:00"}, 422),
        ({"companions": None}, 422),
        ({"day": "2026-03-18"}, 422),
        ({"patient_id": str(uuid4())}, 422),
        ({"pickup_place_id": str(uuid4())}, 404),
        ({"pickup_from": None, "pickup_to": None, "will_call": True}, 409),
    ],
)
async def test_an_edit_that_cannot_be_right_is_refused(
    world: BookingWorld, dispatcher: httpx.AsyncClient, change: dict[str, Any], status: int
) -> None:
    booking = await world.booked(dispatcher)
    assert (await _edit(dispatcher, booking, **change)).status_code == status
    after = (await dispatcher.get(f"/v1/bookings/{booking['id']}")).json()
    assert after["version"] == 1


async def test_a_confirmed_booking_does_not_move_to_a_coarse_place(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking, street = await world.booked(dispatcher), await world.place(Precision.STREET)
    answer = await _edit(dispatcher, booking, dropoff_place_id=str(street))
    assert (answer.status_code, answer.json()["code"]) == (409, "place_too_coarse")


async def test_a_requested_booking_is_confirmed_by_an_edit_that_completes_it(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    street = await world.place(Precision.STREET)
    booking = await world.booked(dispatcher, pickup_place_id=str(street))
    changed = (await _edit(dispatcher, booking, pickup_place_id=str(await world.place()))).json()
    assert changed["state"] == "confirmed"


async def test_the_crew_reports_the_main_line(
    world: BookingWorld, dispatcher: httpx.AsyncClient, driver: httpx.AsyncClient
) -> None:
    booking = await _assigned(world, dispatcher)
    for state in ("en_route", "assigned", "en_route", "arrived", "on_board", "completed"):
        answer = await _report(driver, booking, state)
        assert (answer.status_code, answer.json()["state"]) == (200, state), answer.text
        assert "patient_id" not in answer.json()
    assert [name for name, _ in await _events(world)][-6:] == ["AssignmentProgressed"] * 6
    over = await _report(driver, booking, "en_route")
    assert (over.status_code, over.json()["allowed"]) == (409, [])


async def test_an_illegal_transition_names_the_allowed_ones(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking = await world.booked(dispatcher)
    answer = await _report(dispatcher, booking, "on_board")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "illegal_transition")
    assert problem["allowed"] == ["assigned", "cancelled"]
    by_hand = await _report(dispatcher, booking, "assigned")
    assert (by_hand.status_code, by_hand.json()["code"]) == (409, "illegal_transition")


async def test_a_driver_reports_only_for_own_duties(
    world: BookingWorld, dispatcher: httpx.AsyncClient, driver: httpx.AsyncClient
) -> None:
    own, unassigned = await _assigned(world, dispatcher), await world.booked(dispatcher)
    async with world.api.client(world.company_id, Role.DRIVER, "driver-2") as colleague:
        assert (await _report(colleague, own, "en_route")).status_code == 404
    assert (await _report(driver, unassigned, "en_route")).status_code == 404
    async with world.api.client(world.company_id, Role.CLINIC) as clinic:
        assert (await _report(clinic, own, "en_route")).status_code == 403


async def test_a_report_is_not_from_the_future_nor_before_the_last_one(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking = await _assigned(world, dispatcher)
    path = f"/v1/bookings/{booking['id']}/progress"

    async def report(state: str, at: datetime) -> int:
        body = {"state": state, "at": at.isoformat()}
        return (await dispatcher.post(path, json=body)).status_code

    assert await report("en_route", TODAY + timedelta(hours=1)) == 422
    assert await report("en_route", TODAY - timedelta(minutes=5)) == 200
    assert await report("arrived", TODAY - timedelta(minutes=9)) == 422
    assert await report("arrived", TODAY - timedelta(minutes=2)) == 200
    history = (await dispatcher.get(f"/v1/bookings/{booking['id']}/transitions")).json()
    assert history[-1]["at"] == "2026-03-16T05:58:00Z"


@pytest.mark.parametrize(("minutes_before", "late"), [(121, False), (119, True)])
async def test_a_cancellation_within_the_notice_is_late(
    world: BookingWorld, dispatcher: httpx.AsyncClient, minutes_before: int, *, late: bool
) -> None:
    pickup = TODAY + timedelta(minutes=minutes_before)
    booking = await world.booked(dispatcher, pickup_from=pickup.isoformat(), pickup_to=None)
    path = f"/v1/bookings/{booking['id']}"
    cancelled = (await dispatcher.post(f"{path}/cancel", json={"reason": "hospital stay"})).json()
    assert (cancelled["state"], cancelled["reason"]) == ("cancelled", "hospital stay")
    last = (await dispatcher.get(f"{path}/transitions")).json()[-1]
    assert (last["late"], last["by"], last["from_state"]) == (late, "tester", "confirmed")
    again = await dispatcher.post(f"{path}/cancel", json={"reason": "again"})
    assert (again.status_code, again.json()["allowed"]) == (409, [])
    assert (await _edit(dispatcher, cancelled, notes="late")).json()["code"] == "not_editable"


async def test_a_cancellation_at_the_door_is_late_and_leaves_the_plan(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking = await _assigned(
        world, dispatcher, pickup_from="2026-03-16T18:00:00+01:00", pickup_to=None
    )
    for state in ("en_route", "arrived"):
        await _report(dispatcher, booking, state)
    path = f"/v1/bookings/{booking['id']}"
    cancelled = (await dispatcher.post(f"{path}/cancel", json={"reason": "too ill"})).json()
    assert cancelled["reason"] == "too ill (at the door)"
    assert (await dispatcher.get(f"{path}/transitions")).json()[-1]["late"]
    assert not await _is_planned(world, booking)
    assert ("BookingCancelled", cancelled["version"]) in await _events(world)


async def test_a_ready_patient_gets_an_interval(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    on_call = {"pickup_from": None, "pickup_to": None, "will_call": True, "day": "2026-03-16"}
    booking = await world.booked(dispatcher, **on_call)
    path = f"/v1/bookings/{booking['id']}/ready"
    tomorrow = await dispatcher.post(path, json={"ready_at": "2026-03-17T08:00:00+01:00"})
    assert tomorrow.status_code == 422
    ready = (await dispatcher.post(path)).json()
    assert (ready["state"], ready["reason"]) == ("confirmed", "ready at 07:00")
    assert (ready["pickup_from"], ready["pickup_to"]) == (
        "2026-03-16T06:00:00Z",
        "2026-03-16T06:30:00Z",
    )
    assert (await _events(world))[-1] == ("BookingReady", 2)
    usual = await world.booked(dispatcher)
    refused = await dispatcher.post(f"/v1/bookings/{usual['id']}/ready", json={})
    assert refused.json()["code"] == "illegal_transition"


async def test_a_will_call_planned_at_its_forecast_is_planned_again_when_ready(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    forecast = {
        "pickup_from": None,
        "pickup_to": None,
        "will_call": True,
        "ready_forecast": "2026-03-16T08:00:00+01:00",
    }
    booking = await _assigned(world, dispatcher, **forecast)
    ready = await dispatcher.post(f"/v1/bookings/{booking['id']}/ready", json={})
    assert (ready.json()["state"], ready.json()["ready_at"]) == (
        "confirmed",
        "2026-03-16T06:00:00Z",
    )
    assert not await _is_planned(world, booking)


async def test_a_no_show_needs_a_call_and_patience_inside_the_window(
    world: BookingWorld, dispatcher: httpx.AsyncClient, driver: httpx.AsyncClient
) -> None:
    booking = await _assigned(world, dispatcher)
    path = f"/v1/bookings/{booking['id']}/no-show"
    early = await driver.post(path, json={"called": True})
    assert (early.status_code, early.json()["code"]) == (409, "illegal_transition")
    world.api.clock.advance(timedelta(minutes=60))  # 08:00, ten minutes before the window
    for state in ("en_route", "arrived"):
        await _report(driver, booking, state)
    world.api.clock.advance(timedelta(minutes=14))
    impatient = await driver.post(path, json={"called": True})
    assert (impatient.status_code, impatient.json()["possible_at"]) == (
        409,
        "2026-03-16T07:15:00+00:00",
    )
    world.api.clock.advance(timedelta(minutes=1))
    assert (await driver.post(path, json={"called": False})).status_code == 422
    answer = await driver.post(path, json={"called": True})
    assert (answer.status_code, answer.json()["state"]) == (200, "no_show")
    assert not await _is_planned(world, booking)


async def test_a_no_show_holds_later_legs_of_the_day_and_cancels_none(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking = await _assigned(world, dispatcher)
    same = {"patient_id": booking["patient_id"], "pickup_to": None}
    earlier = await world.booked(dispatcher, **same, pickup_from="2026-03-16T07:30:00+01:00")
    back = await world.booked(
        dispatcher,
        **same,
        direction="RETOUR",
        linked_booking_id=booking["id"],
        pickup_from=None,
        will_call=True,
    )
    evening = await world.booked(dispatcher, **same, pickup_from="2026-03-16T18:00:00+01:00")
    tomorrow = await world.booked(dispatcher, **same, pickup_from="2026-03-17T08:00:00+01:00")
    stranger = await world.booked(
        dispatcher, pickup_from="2026-03-16T18:00:00+01:00", pickup_to=None
    )
    for state in ("en_route", "arrived"):
        await _report(dispatcher, booking, state)
    world.api.clock.advance(timedelta(hours=2))
    path = f"/v1/bookings/{booking['id']}/no-show"
    held = (await dispatcher.post(path, json={"called": True})).json()["held_booking_ids"]
    assert sorted(held) == sorted([back["id"], evening["id"]])
    for leg, on_hold in (
        (back, True),
        (evening, True),
        (earlier, False),
        (tomorrow, False),
        (stranger, False),
    ):
        after = (await dispatcher.get(f"/v1/bookings/{leg['id']}")).json()
        assert (after["on_hold"], after["state"]) == (on_hold, leg["state"])


async def test_on_hold_is_not_planned_nor_driven_until_resumed(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking = await _assigned(world, dispatcher)
    path = f"/v1/bookings/{booking['id']}"
    held = (await dispatcher.post(f"{path}/hold", json={"reason": "ask the doctor"})).json()
    assert (held["on_hold"], held["reason"]) == (True, "on hold: ask the doctor")
    refused = await _report(dispatcher, booking, "en_route")
    assert (refused.status_code, refused.json()["code"]) == (409, "booking_on_hold")
    again = (await dispatcher.post(f"{path}/hold", json={"reason": "again"})).json()
    assert again["version"] == held["version"]
    resumed = (await dispatcher.post(f"{path}/resume")).json()
    assert (resumed["on_hold"], resumed["state"]) == (False, "assigned")
    assert (await _report(dispatcher, booking, "en_route")).status_code == 200
    too_late = await dispatcher.post(f"{path}/hold", json={"reason": "too late"})
    assert (too_late.status_code, too_late.json()["code"]) == (409, "not_editable")


async def test_of_two_edits_of_one_version_one_is_refused(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking = await world.booked(dispatcher)
    answers = await asyncio.gather(
        _edit(dispatcher, booking, companions=1), _edit(dispatcher, booking, companions=2)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_an_aller_gets_one_return_and_a_reference_one_booking_at_once(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    aller = await world.booked(dispatcher)
    back = await world.leg(
        patient_id=aller["patient_id"],
        direction="RETOUR",
        linked_booking_id=aller["id"],
        **EVENING,
    )
    same = await world.leg(reference="B-1")
    for body in (back, same):
        answers = await asyncio.gather(
            *(dispatcher.post("/v1/bookings", json=body) for _ in range(2))
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_reading_notes_is_on_record(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking = await world.booked(dispatcher, notes="Ring twice.")
    silent = await world.booked(dispatcher)
    async with world.api.client(world.company_id, subject="reader") as reader:
        await reader.get(f"/v1/bookings/{booking['id']}")
        await reader.get(f"/v1/bookings/{silent['id']}")
    async with world.api.ports.database.transaction(OWNER) as session:
        log = await session.scalars(sa.select(PatientAccessRow).order_by(PatientAccessRow.id))
        reads = [(row.patient_id, row.fields) for row in log if row.subject == "reader"]
    assert reads == [(UUID(booking["patient_id"]), ["booking_notes"])]


async def test_a_lock_pins_to_a_duty_of_the_same_day(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking = await world.booked(dispatcher)
    path = f"/v1/bookings/{booking['id']}/lock"
    today, tomorrow = await world.duty("a"), await world.duty("b", date(2026, 3, 17))
    assert (await dispatcher.put(path, json={"duty_id": str(tomorrow)})).status_code == 404
    locked = (await dispatcher.put(path, json={"duty_id": str(today)})).json()
    assert locked["locked_duty_id"] == str(today)
    assert (await dispatcher.delete(path)).json()["locked_duty_id"] is None


async def test_another_company_finds_nothing_and_links_to_nothing(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    booking, duty = await world.booked(dispatcher), await world.duty()
    other = BookingWorld(world.api, await world.api.company("Another"))
    async with world.api.client(other.company_id) as stranger:
        own = await other.booked(stranger)
        path = f"/v1/bookings/{booking['id']}"
        reason, match = {"reason": "mine now"}, {"If-Match": '"1"'}
        answers = [
            await stranger.get(path),
            await stranger.get(f"{path}/transitions"),
            await stranger.patch(path, json={"companions": 2}, headers=match),
            await stranger.post(f"{path}/cancel", json=reason),
            await stranger.post(f"{path}/ready", json={}),
            await stranger.post(f"{path}/confirm"),
            await stranger.post(f"{path}/hold", json=reason),
            await stranger.post(f"{path}/resume"),
            await stranger.post(f"{path}/progress", json={"state": "en_route"}),
            await stranger.post(f"{path}/no-show", json={"called": True}),
            await stranger.delete(f"{path}/lock"),
            await stranger.put(f"/v1/bookings/{own['id']}/lock", json={"duty_id": str(duty)}),
            await _edit(stranger, own, pickup_place_id=booking["pickup_place_id"]),
        ]
        foreign: list[dict[str, Any]] = [
            {"patient_id": booking["patient_id"]},
            {"pickup_place_id": booking["pickup_place_id"]},
            {"dropoff_place_id": booking["dropoff_place_id"]},
            {"direction": "RETOUR", "linked_booking_id": booking["id"]},
        ]
        answers += [
            await stranger.post("/v1/bookings", json=await other.leg(**fields))
            for fields in foreign
        ]
        assert [answer.status_code for answer in answers] == [404] * len(answers)
        page = (await stranger.get("/v1/bookings", params={"day": "2026-03-16"})).json()
        assert [item["id"] for item in page["items"]] == [own["id"]]
    after = (await dispatcher.get(f"/v1/bookings/{booking['id']}")).json()
    assert after["version"] == 1
