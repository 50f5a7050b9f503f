"""Runs over a day that has begun, and over what people change meanwhile: none may fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
from support.dispatch_client import DispatchApi
from support.dispatch_worker import worker_of
from support.fleet import a_driver, a_duty, a_vehicle, at, posted

from dispatch_api.dispatch.worker_loop import DispatchWorker

DAY = "2026-03-17"


@dataclass
class RunningDay:
    """A duty with three patients who share a ride at ten and two who return at one."""

    client: httpx.AsyncClient
    worker: DispatchWorker
    vehicle: str = ""
    duty: str = ""
    places: list[str] = field(default_factory=list)
    bookings: list[str] = field(default_factory=list)

    async def set_up(self) -> None:
        self.vehicle = await a_vehicle(self.client)
        driver = await a_driver(self.client)
        self.duty = (await a_duty(self.client, self.vehicle, driver))["id"]
        for lat, lon in ((46.2, 6.15), (46.26, 6.22)):
            place = await posted(self.client, "/v1/places", label="x", lat=lat, lon=lon)
            self.places.append(place["id"])
        there, back = self.places, self.places[::-1]
        for ends, time in [(there, "10:00")] * 3 + [(back, "13:00")] * 2:
            await self.book(ends, pickup_from=at(time))

    async def book(self, ends: list[str], **fields: Any) -> str:
        patient = await posted(self.client, "/v1/patients", name="Synthetic")
        booking = await posted(
            self.client,
            "/v1/bookings",
            patient_id=patient["id"],
            pickup_place_id=ends[0],
            dropoff_place_id=ends[1],
            **fields,
        )
        self.bookings.append(booking["id"])
        return str(booking["id"])

    async def do(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        answer = await self.client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return dict(answer.json()) if answer.content else {}

    async def progress(self, booking: str, *states: str) -> None:
        for state in states:
            await self.do("POST", f"/v1/bookings/{booking}/progress", state=state)

    async def run(self) -> dict[str, Any]:
        """Dispatch the day; the plan, once the run has completed."""
        run = await self.do("POST", "/v1/dispatch-runs", date=DAY, iterations=30)
        assert await self.worker.work_once()
        run = await self.do("GET", f"/v1/dispatch-runs/{run['id']}")
        assert run["state"] == "completed", run["error"]
        return await self.do("GET", f"/v1/plans/{DAY}")


@pytest.fixture
async def day(dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient) -> RunningDay:
    running = RunningDay(dispatcher, worker_of(dispatch_api.ports))
    await running.set_up()
    return running


def order(plan: dict[str, Any], duty: str) -> list[tuple[str, str]]:
    """What is done for whom, in the order of the duty's route."""
    return [
        (stop["kind"], stop["booking_id"])
        for route in plan["routes"]
        if route["duty_id"] == duty
        for stop in route["stops"]
        if stop["booking_id"]
    ]


def where(plan: dict[str, Any], booking: str) -> str | None:
    """The duty that serves the booking."""
    found = [
        route["duty_id"]
        for route in plan["routes"]
        for stop in route["stops"]
        if (stop["kind"], stop["booking_id"]) == ("pickup", booking)
    ]
    return found[0] if found else None


def pickups(stops: list[tuple[str, str]]) -> list[str]:
    return [booking for kind, booking in stops if kind == "pickup"]


async def test_what_was_begun_keeps_duty_and_order(day: RunningDay) -> None:
    before = order(await day.run(), day.duty)
    third = pickups(before)[2]
    await day.progress(third, "en_route", "arrived", "on_board")
    begun = before[: before.index(("pickup", third)) + 1]
    after = order(await day.run(), day.duty)
    assert after[: len(begun)] == begun
    await day.progress(third, "completed")
    done = after[: after.index(("dropoff", third)) + 1]
    assert order(await day.run(), day.duty)[: len(done)] == done


async def test_a_booking_on_hold_leaves_the_beginning(day: RunningDay) -> None:
    first, second, third = pickups(order(await day.run(), day.duty))[:3]
    await day.progress(third, "en_route")
    await day.do("POST", f"/v1/bookings/{second}/hold", reason="waits for a call")
    plan = await day.run()
    assert pickups(order(plan, day.duty))[:2] == [first, third]
    assert where(plan, second) is None
    held = await day.do("GET", f"/v1/bookings/{second}")
    assert (held["state"], held["on_hold"]) == ("confirmed", True)


async def test_a_booking_pinned_to_another_duty_leaves_the_beginning(day: RunningDay) -> None:
    _, second, third = pickups(order(await day.run(), day.duty))[:3]
    await day.progress(third, "en_route")
    vehicle, driver = await a_vehicle(day.client, "V2"), await a_driver(day.client, "Bo")
    other = (await a_duty(day.client, vehicle, driver, name="D2"))["id"]
    await day.do("PUT", f"/v1/bookings/{second}/lock", duty_id=other)
    plan = await day.run()
    assert (where(plan, second), where(plan, third)) == (other, day.duty)


async def test_a_crew_that_began_with_it_counts_more_than_a_pin(day: RunningDay) -> None:
    first = pickups(order(await day.run(), day.duty))[0]
    vehicle, driver = await a_vehicle(day.client, "V2"), await a_driver(day.client, "Bo")
    other = (await a_duty(day.client, vehicle, driver, name="D2"))["id"]
    await day.do("PUT", f"/v1/bookings/{first}/lock", duty_id=other)
    await day.progress(first, "en_route")
    assert where(await day.run(), first) == day.duty


@pytest.mark.parametrize("change", ["fewer seats", "shorter duty", "moved place"])
async def test_a_route_that_no_timetable_keeps_stands_with_the_reason(
    day: RunningDay, change: str
) -> None:
    planned = await day.run()
    before = order(planned, day.duty)
    await day.progress(pickups(before)[2], "en_route", "arrived", "on_board")
    if change == "fewer seats":
        await day.do("PATCH", f"/v1/vehicles/{day.vehicle}", seats=1)
    elif change == "shorter duty":
        await day.do("PATCH", f"/v1/duties/{day.duty}", ends_at=at("10:05"))
    else:
        await day.progress(pickups(before)[2], "completed")
        await day.do("PATCH", f"/v1/places/{day.places[1]}/pin", lat=46.9, lon=7.4)
    vehicle, driver = await a_vehicle(day.client, "V2"), await a_driver(day.client, "Bo")
    other = (await a_duty(day.client, vehicle, driver, name="D2"))["id"]
    late = await day.book(day.places, pickup_from=at("11:00"))
    pinned = await day.book(day.places, pickup_from=at("15:00"))
    await day.do("PUT", f"/v1/bookings/{pinned}/lock", duty_id=day.duty)
    plan = await day.run()
    assert order(plan, day.duty) == before
    route = next(route for route in plan["routes"] if route["duty_id"] == day.duty)
    assert route == next(each for each in planned["routes"] if each["duty_id"] == day.duty)
    assert [each["duty_id"] for each in plan["summary"]["standing"]] == [day.duty]
    assert "no timetable keeps" in plan["summary"]["standing"][0]["reason"]
    assert where(plan, late) == other
    held = {each["booking_id"]: each["reason"] for each in plan["summary"]["held"]}
    assert "stands as it is" in held[pinned]


async def test_what_was_done_in_a_cancelled_duty_stays_on_record(day: RunningDay) -> None:
    first = pickups(order(await day.run(), day.duty))[0]
    await day.progress(first, "en_route", "arrived", "on_board", "completed")
    await day.do("POST", f"/v1/duties/{day.duty}/cancel")
    for _ in range(2):
        plan = await day.run()
        assert order(plan, day.duty) == [("pickup", first), ("dropoff", first)]
        left = {each["booking_id"] for each in plan["summary"]["unserved"]}
        assert left == set(day.bookings) - {first}
    vehicle, driver = await a_vehicle(day.client, "V2"), await a_driver(day.client, "Bo")
    other = (await a_duty(day.client, vehicle, driver, name="D2"))["id"]
    plan = await day.run()
    assert where(plan, first) == day.duty
    assert {where(plan, each) for each in day.bookings if each != first} == {other}


async def test_an_erased_home_leaves_the_route_that_began_there(day: RunningDay) -> None:
    patient = (await posted(day.client, "/v1/patients", name="Synthetic"))["id"]
    home = (
        await posted(
            day.client, "/v1/places", label="home", lat=46.21, lon=6.16, patient_id=patient
        )
    )["id"]
    fields = {"patient_id": patient, "pickup_place_id": home, "dropoff_place_id": day.places[1]}
    booking = (await posted(day.client, "/v1/bookings", **fields, pickup_from=at("09:00")))["id"]
    before = order(await day.run(), day.duty)
    await day.progress(booking, "en_route", "arrived", "on_board", "completed")
    await day.do("DELETE", f"/v1/patients/{patient}")
    plan = await day.run()
    assert order(plan, day.duty) == before
    assert "lost its place" in plan["summary"]["standing"][0]["reason"]


async def test_a_break_that_the_duty_no_longer_has_leaves_the_beginning(day: RunningDay) -> None:
    vehicle, driver = await a_vehicle(day.client, "V2"), await a_driver(day.client, "Bo")
    pause = {"minutes": 30, "earliest": at("11:00"), "latest": at("12:30")}
    duty = (await a_duty(day.client, vehicle, driver, name="D2", breaks=[pause]))["id"]
    await day.do("POST", f"/v1/duties/{day.duty}/cancel")
    last = pickups(order(await day.run(), duty))[-1]
    await day.progress(last, "en_route")
    shift = (await day.do("GET", f"/v1/shifts?driver_id={driver}"))["items"][0]["id"]
    await day.do("PATCH", f"/v1/shifts/{shift}", breaks=[])
    plan = await day.run()
    kinds = [stop["kind"] for route in plan["routes"] for stop in route["stops"]]
    assert "break" not in kinds
    assert where(plan, last) == duty


async def test_a_waiver_for_what_is_not_planned_has_no_effect(
    day: RunningDay, company_id: UUID
) -> None:
    del company_id
    held, cancelled = day.bookings[:2]
    for booking in (held, cancelled):
        fields = {"rule": "window", "booking_id": booking, "excess_min": 10, "reason": "agreed"}
        await posted(day.client, "/v1/waivers", day=DAY, **fields)
    fields = {"rule": "shift", "duty_id": day.duty, "excess_min": 10, "reason": "agreed"}
    await posted(day.client, "/v1/waivers", day=DAY, **fields)
    await day.do("POST", f"/v1/bookings/{held}/hold", reason="waits for a call")
    await day.do("POST", f"/v1/bookings/{cancelled}/cancel", reason="hospital stay")
    plan = await day.run()
    assert sorted(pickups(order(plan, day.duty))) == sorted(day.bookings[2:])
    await day.do("POST", f"/v1/duties/{day.duty}/cancel")
    assert len((await day.run())["summary"]["unserved"]) == len(day.bookings) - 2
