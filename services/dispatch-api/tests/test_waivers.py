"""Waivers: a service rule may be breached on record only, and only as far as was granted."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from support.dispatch_client import DispatchApi
from support.dispatch_worker import worker_of
from support.stored_days import StoredDay, store_day

from atmr_common.database.tenancy import OWNER
from atmr_engine.formats.day import BookingRecord, Day, DutyRecord, Mobility, Place, Point
from atmr_engine.problem import Capacity

DAY = date(2026, 3, 16)
ZURICH = ZoneInfo("Europe/Zurich")
REASON = "the clinic was told"


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 16, hour, minute, tzinfo=ZURICH)


LATE_VEHICLE = Day(
    date=DAY,
    zone=ZURICH,
    bookings=(
        BookingRecord(
            id="B1",
            mobility=Mobility.AMBULATORY,
            pickup=Place(point=Point(46.20, 6.14)),
            dropoff=Place(point=Point(46.21, 6.15)),
            pickup_from=at(7, 30),
            pickup_to=at(7, 50),
        ),
    ),
    duties=(
        DutyRecord(
            id="D1",
            driver="Ana",
            vehicle="V1",
            capacity=Capacity(seats=3),
            shift_start=at(8),
            shift_end=at(12),
            start=Point(46.20, 6.14),
        ),
    ),
)
"""The only vehicle begins ten minutes after the pickup should have begun at the latest."""


@pytest.fixture
async def day(dispatch_api: DispatchApi, company_id: UUID) -> StoredDay:
    async with dispatch_api.ports.database.transaction(OWNER) as session:
        return await store_day(session, company_id, LATE_VEHICLE)


async def planned(api: DispatchApi, dispatcher: httpx.AsyncClient) -> dict[str, Any]:
    await dispatcher.post("/v1/dispatch-runs", json={"date": str(DAY), "iterations": 5})
    assert await worker_of(api.ports).work_once()
    return dict((await dispatcher.get(f"/v1/plans/{DAY}")).json())


def window(booking_id: UUID, minutes: float) -> dict[str, Any]:
    return {
        "day": str(DAY),
        "rule": "window",
        "booking_id": str(booking_id),
        "excess_min": minutes,
        "reason": REASON,
    }


async def test_a_late_pickup_is_planned_under_a_waiver_and_not_without(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, day: StoredDay
) -> None:
    without = await planned(dispatch_api, dispatcher)
    assert [left["rule"] for left in without["summary"]["unserved"]]

    granted = await dispatcher.post("/v1/waivers", json=window(day.bookings["B1"], 5))
    assert granted.status_code == 201, granted.text
    too_small = await planned(dispatch_api, dispatcher)
    assert len(too_small["summary"]["unserved"]) == 1

    await dispatcher.post("/v1/waivers", json=window(day.bookings["B1"], 20))
    enough = await planned(dispatch_api, dispatcher)
    [pickup] = [s for s in enough["routes"][0]["stops"] if s["kind"] == "pickup"]
    late_by = datetime.fromisoformat(pickup["begin_at"]) - at(7, 50)
    assert timedelta(0) < late_by <= timedelta(minutes=20)
    assert enough["summary"]["cost"]["lateness_min"] > 0


async def test_a_waiver_says_who_granted_it_and_can_be_withdrawn(
    dispatcher: httpx.AsyncClient, day: StoredDay
) -> None:
    made = (await dispatcher.post("/v1/waivers", json=window(day.bookings["B1"], 5))).json()
    assert (made["granted_by"], made["reason"]) == ("tester", REASON)
    assert (await dispatcher.get("/v1/waivers", params={"day": str(DAY)})).json() == [made]
    assert (await dispatcher.delete(f"/v1/waivers/{made['id']}")).status_code == 204
    assert (await dispatcher.get("/v1/waivers", params={"day": str(DAY)})).json() == []
    assert (await dispatcher.delete(f"/v1/waivers/{made['id']}")).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"rule": "capacity"}, id="a physical rule"),
        pytest.param({"rule": "shift"}, id="a duty's rule about a booking"),
        pytest.param({"duty_id": str(UUID(int=1))}, id="two subjects"),
        pytest.param({"booking_id": None}, id="no subject"),
        pytest.param({"excess_min": 0}, id="no excess"),
        pytest.param({"excess_min": 10_000}, id="more than half a day"),
        pytest.param({"reason": ""}, id="no reason"),
    ],
)
async def test_what_is_no_waiver_is_refused(
    dispatcher: httpx.AsyncClient, day: StoredDay, change: dict[str, Any]
) -> None:
    answer = await dispatcher.post("/v1/waivers", json=window(day.bookings["B1"], 5) | change)
    assert answer.status_code == 422, answer.text


async def test_a_waiver_is_about_the_companys_own_day(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, day: StoredDay
) -> None:
    waiver = window(day.bookings["B1"], 5)
    elsewhere = await dispatcher.post("/v1/waivers", json=waiver | {"day": "2026-03-17"})
    nobody = await dispatcher.post("/v1/waivers", json=waiver | {"booking_id": str(uuid4())})
    assert (elsewhere.status_code, nobody.status_code) == (404, 404)
    made = (await dispatcher.post("/v1/waivers", json=waiver)).json()
    async with dispatch_api.client(await dispatch_api.company("Another")) as stranger:
        foreign = await stranger.post("/v1/waivers", json=waiver)
        listed = await stranger.get("/v1/waivers", params={"day": str(DAY)})
        withdrawn = await stranger.delete(f"/v1/waivers/{made['id']}")
    assert (foreign.status_code, listed.json(), withdrawn.status_code) == (404, [], 404)
