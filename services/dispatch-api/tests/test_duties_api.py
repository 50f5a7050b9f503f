"""Duties through the API: what stands against one, races, changes, cancellation, tenancy."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from support.booking_world import BookingWorld
from support.dispatch_client import TODAY, DispatchApi
from support.fleet import DAY, a_driver, a_duty, a_vehicle, at, duty_fields, posted

from atmr_common.database.tenancy import OWNER
from dispatch_api.bookings.domain import BookingState
from dispatch_api.bookings.tables import BookingRow
from dispatch_api.duties.repository import DutyRepository
from dispatch_api.plans.repository import PlanRepository


def codes(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 409, answer.text
    assert answer.json()["code"] == "duty_conflicts"
    return [conflict["code"] for conflict in answer.json()["conflicts"]]


async def test_a_duty_is_read_as_created_on_its_local_day(dispatcher: httpx.AsyncClient) -> None:
    crew = [await a_driver(dispatcher, name) for name in ("Ana", "Ben")]
    duty = await a_duty(
        dispatcher, await a_vehicle(dispatcher), *crew, starts_at=at("00:15"), ends_at=at("08:00")
    )
    assert (duty["day"], duty["crew"], duty["version"]) == (DAY, crew, 1)
    assert duty["starts_at"] == "2026-03-16T23:15:00Z"
    assert (await dispatcher.get(f"/v1/duties/{duty['id']}")).json() == duty
    shifts = (await dispatcher.get("/v1/shifts")).json()["items"]
    assert {shift["driver_id"] for shift in shifts} == set(crew)


async def test_a_duty_begins_and_ends_at_the_drivers_place_unless_told_otherwise(
    dispatcher: httpx.AsyncClient,
) -> None:
    home, depot = [
        (await posted(dispatcher, "/v1/places", lat=46.2, lon=6.1))["id"] for _ in range(2)
    ]
    driver = await a_driver(dispatcher, start_place_id=home)
    duty = await a_duty(
        dispatcher, await a_vehicle(dispatcher), driver, end_place_id=None, ends_at=at("08:00")
    )
    other = await a_duty(
        dispatcher,
        await a_vehicle(dispatcher, "V2"),
        await a_driver(dispatcher, "Ben"),
        name="D2",
        start_place_id=depot,
    )
    assert (duty["start_place_id"], duty["end_place_id"]) == (home, None)
    assert (other["start_place_id"], other["end_place_id"]) == (depot, None)


async def test_everything_against_a_duty_is_named_at_once(dispatcher: httpx.AsyncClient) -> None:
    vehicle = await a_vehicle(dispatcher, inspection_expires_on="2026-03-16")
    expired = [{"skill": "oxygen", "expires_on": "2026-03-16"}]
    driver = await a_driver(dispatcher, credentials=expired)
    out = {"starts_at": at("15:00"), "ends_at": at("18:00")}
    await posted(dispatcher, f"/v1/vehicles/{vehicle}/outages", reason="tyres", **out)
    await posted(dispatcher, f"/v1/drivers/{driver}/absences", reason="holiday", **out)
    answer = await dispatcher.post(
        "/v1/duties", json=duty_fields(vehicle, driver, create_shifts=False)
    )
    assert codes(answer) == [
        "inspection_expired",
        "vehicle_out_of_service",
        "credential_expired",
        "driver_absent",
        "no_shift",
    ]
    assert "2026-03-16" in answer.json()["detail"]


async def test_a_credential_and_an_inspection_are_valid_on_their_last_day(
    dispatcher: httpx.AsyncClient,
) -> None:
    vehicle = await a_vehicle(dispatcher, inspection_expires_on=DAY)
    driver = await a_driver(dispatcher, credentials=[{"skill": "oxygen", "expires_on": DAY}])
    await a_duty(dispatcher, vehicle, driver, ends_at="2026-03-18T00:00:00+01:00")


async def test_vehicle_and_driver_have_one_duty_at_a_time(dispatcher: httpx.AsyncClient) -> None:
    vehicle, other_vehicle = await a_vehicle(dispatcher), await a_vehicle(dispatcher, "V2")
    driver, other_driver = await a_driver(dispatcher), await a_driver(dispatcher, "Ben")
    await a_duty(dispatcher, vehicle, driver)
    late: dict[str, Any] = {"name": "D2", "starts_at": at("15:59"), "ends_at": at("20:00")}
    busy_vehicle = await dispatcher.post(
        "/v1/duties", json=duty_fields(vehicle, other_driver, **late)
    )
    assert codes(busy_vehicle) == ["vehicle_busy"]
    shift = (await dispatcher.get("/v1/shifts", params={"driver_id": driver})).json()["items"][0]
    await dispatcher.patch(f"/v1/shifts/{shift['id']}", json={"ends_at": at("20:00")})
    busy_driver = await dispatcher.post(
        "/v1/duties", json=duty_fields(other_vehicle, other_driver, driver, **late)
    )
    assert codes(busy_driver) == ["driver_busy"]
    after = late | {"starts_at": at("16:00")}
    await a_duty(dispatcher, vehicle, driver, **after)


async def test_a_refused_duty_leaves_no_shift_behind(dispatcher: httpx.AsyncClient) -> None:
    vehicle = await a_vehicle(dispatcher, inspection_expires_on="2026-03-16")
    answer = await dispatcher.post(
        "/v1/duties", json=duty_fields(vehicle, await a_driver(dispatcher))
    )
    assert codes(answer) == ["inspection_expired"]
    assert (await dispatcher.get("/v1/shifts")).json()["items"] == []


async def test_retired_ones_get_no_duty(dispatcher: httpx.AsyncClient) -> None:
    vehicle, driver = await a_vehicle(dispatcher), await a_driver(dispatcher)
    await dispatcher.delete(f"/v1/vehicles/{vehicle}")
    await dispatcher.delete(f"/v1/drivers/{driver}")
    answer = await dispatcher.post("/v1/duties", json=duty_fields(vehicle, driver))
    assert codes(answer) == ["vehicle_retired", "driver_retired"]


async def test_a_break_that_two_duties_cut_in_half_is_refused(
    dispatcher: httpx.AsyncClient,
) -> None:
    vehicle, driver = await a_vehicle(dispatcher), await a_driver(dispatcher)
    pause = {"minutes": 60, "earliest": at("11:30"), "latest": at("12:30")}
    times = {"starts_at": at("07:00"), "ends_at": at("16:00")}
    await posted(dispatcher, "/v1/shifts", driver_id=driver, breaks=[pause], **times)
    answer = await dispatcher.post(
        "/v1/duties", json=duty_fields(vehicle, driver, ends_at=at("12:00"))
    )
    assert codes(answer) == ["break_impossible"]


async def test_breaks_of_created_shifts_reach_the_plan(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
) -> None:
    pause = {"minutes": 45, "earliest": at("11:00"), "latest": at("14:00")}
    await a_duty(
        dispatcher, await a_vehicle(dispatcher), await a_driver(dispatcher), breaks=[pause]
    )
    async with dispatch_api.ports.database.transaction(OWNER) as session:
        (duty,) = await DutyRepository(session).of_day(company_id, date(2026, 3, 17))
    assert [(b.minutes, b.earliest, b.latest) for b in duty.breaks] == [
        (45, datetime(2026, 3, 17, 10, tzinfo=UTC), datetime(2026, 3, 17, 13, tzinfo=UTC))
    ]


@pytest.mark.parametrize("shared", ["vehicle", "driver"])
async def test_of_two_requests_at_once_one_wins(dispatcher: httpx.AsyncClient, shared: str) -> None:
    vehicles = [await a_vehicle(dispatcher, name) for name in ("V1", "V2")]
    drivers = [await a_driver(dispatcher, name) for name in ("Ana", "Ben")]
    second = (vehicles[0], drivers[1]) if shared == "vehicle" else (vehicles[1], drivers[0])
    answers = await asyncio.gather(
        *(
            dispatcher.post("/v1/duties", json=duty_fields(vehicle, driver, name=name))
            for name, (vehicle, driver) in {"A": (vehicles[0], drivers[0]), "B": second}.items()
        )
    )
    lost = [answer for answer in answers if answer.status_code != 201]
    assert len(lost) == 1
    assert codes(lost[0]) == [f"{shared}_busy"]
    assert len((await dispatcher.get("/v1/duties")).json()["items"]) == 1


async def test_duties_are_listed_by_day_without_cancelled_ones(
    dispatcher: httpx.AsyncClient,
) -> None:
    vehicle, driver = await a_vehicle(dispatcher), await a_driver(dispatcher)
    gone = await a_duty(dispatcher, vehicle, driver)
    cancelled = (await dispatcher.post(f"/v1/duties/{gone['id']}/cancel")).json()
    assert cancelled["cancelled_at"] == "2026-03-16T06:00:00Z"
    again = (await dispatcher.post(f"/v1/duties/{gone['id']}/cancel")).json()
    assert again == cancelled
    stands = await a_duty(dispatcher, vehicle, driver)
    other_day = {"starts_at": at("07:00", "2026-03-18"), "ends_at": at("12:00", "2026-03-18")}
    await a_duty(dispatcher, vehicle, driver, **other_day)

    async def listed(**params: Any) -> list[str]:
        answer = await dispatcher.get("/v1/duties", params={"day": DAY, **params})
        return [duty["id"] for duty in answer.json()["items"]]

    assert await listed() == [stands["id"]]
    assert set(await listed(with_cancelled=True)) == {gone["id"], stands["id"]}


async def test_a_name_is_given_once_a_day(dispatcher: httpx.AsyncClient) -> None:
    await a_duty(dispatcher, await a_vehicle(dispatcher), await a_driver(dispatcher))
    answer = await dispatcher.post(
        "/v1/duties",
        json=duty_fields(await a_vehicle(dispatcher, "V2"), await a_driver(dispatcher, "Ben")),
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "taken")


async def test_a_duty_is_changed_within_its_day(dispatcher: httpx.AsyncClient) -> None:
    driver, other = await a_driver(dispatcher), await a_driver(dispatcher, "Ben")
    duty = await a_duty(dispatcher, await a_vehicle(dispatcher), driver)
    path, bigger = f"/v1/duties/{duty['id']}", await a_vehicle(dispatcher, "V2")
    changed = (
        await dispatcher.patch(path, json={"vehicle_id": bigger, "ends_at": at("15:00")})
    ).json()
    assert (changed["vehicle_id"], changed["ends_at"]) == (bigger, "2026-03-17T14:00:00Z")
    assert (changed["version"], changed["crew"]) == (2, [driver])
    assert codes(await dispatcher.patch(path, json={"crew": [other]})) == ["no_shift"]
    tomorrow = {"starts_at": at("07:00", "2026-03-18"), "ends_at": at("12:00", "2026-03-18")}
    for wrong in (tomorrow, {"ends_at": at("06:00")}, {"crew": None}, {"crew": [other, other]}):
        assert (await dispatcher.patch(path, json=wrong)).status_code == 422
    await dispatcher.post(f"{path}/cancel")
    late = await dispatcher.patch(path, json={"name": "X"})
    assert (late.status_code, late.json()["code"]) == (409, "duty_cancelled")


async def test_what_changes_around_a_duty_changes_its_version(
    dispatcher: httpx.AsyncClient,
) -> None:
    vehicle, driver = await a_vehicle(dispatcher), await a_driver(dispatcher)
    duty = await a_duty(dispatcher, vehicle, driver)
    shift = (await dispatcher.get("/v1/shifts")).json()["items"][0]["id"]
    for path, change in (
        (f"/v1/vehicles/{vehicle}", {"seats": 7}),
        (f"/v1/drivers/{driver}", {"kind": "emergency"}),
        (f"/v1/shifts/{shift}", {"ends_at": at("17:00")}),
    ):
        before = (await dispatcher.get(f"/v1/duties/{duty['id']}")).json()["version"]
        assert (await dispatcher.patch(path, json=change)).status_code == 200
        after = (await dispatcher.get(f"/v1/duties/{duty['id']}")).json()["version"]
        assert after == before + 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"crew": []},
        {"ends_at": at("07:00")},
        {"ends_at": at("07:01", "2026-03-18")},
        {"starts_at": "2026-03-17T07:00:00"},
        {"starts_at": "0001-01-01T00:00:00+14:00"},
        {"create_shifts": False, "breaks": [{"minutes": 30}]},
        {"colour": "red"},
    ],
)
async def test_a_duty_that_cannot_be_is_refused(
    dispatcher: httpx.AsyncClient, wrong: dict[str, Any]
) -> None:
    fields = duty_fields(await a_vehicle(dispatcher), await a_driver(dispatcher), **wrong)
    answer = await dispatcher.post("/v1/duties", json=fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_a_cancelled_duty_frees_its_bookings_but_not_while_one_is_under_way(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
) -> None:
    world = BookingWorld(dispatch_api, company_id)
    duty_id, other_duty = await world.duty("d1"), await world.duty("d2")
    mine, other = await world.booked(dispatcher), await world.booked(dispatcher)
    await world.assign(mine["id"], duty_id, TODAY)
    await world.assign(other["id"], other_duty, TODAY)
    await set_state(dispatch_api, mine["id"], BookingState.ON_BOARD)
    refused = await dispatcher.post(f"/v1/duties/{duty_id}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "duty_running")
    assert refused.json()["bookings"] == [mine["id"]]
    await set_state(dispatch_api, mine["id"], BookingState.ASSIGNED)
    assert (await dispatcher.post(f"/v1/duties/{duty_id}/cancel")).status_code == 200
    states = [
        (await dispatcher.get(f"/v1/bookings/{booking['id']}")).json()["state"]
        for booking in (mine, other)
    ]
    assert states == ["confirmed", "assigned"]
    async with dispatch_api.ports.database.transaction(OWNER) as session:
        plans = PlanRepository(session)
        assert set(await plans.assignments(company_id, TODAY.date())) == {UUID(other["id"])}
        assert await plans.version(company_id, TODAY.date()) == 2
        assert await DutyRepository(session).lock_versions(company_id, [duty_id]) == {}


async def set_state(api: DispatchApi, booking_id: str, state: BookingState) -> None:
    async with api.ports.database.transaction(OWNER) as session:
        (await session.get_one(BookingRow, UUID(booking_id))).state = state


async def test_another_companys_rows_cannot_be_seen_or_linked(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    vehicle, driver = await a_vehicle(dispatcher), await a_driver(dispatcher)
    place = (await posted(dispatcher, "/v1/places", lat=46.2, lon=6.1))["id"]
    path = f"/v1/duties/{(await a_duty(dispatcher, vehicle, driver))['id']}"
    async with dispatch_api.client(await dispatch_api.company("B")) as stranger:
        own_vehicle, own_driver = await a_vehicle(stranger), await a_driver(stranger)
        own = f"/v1/duties/{(await a_duty(stranger, own_vehicle, own_driver))['id']}"
        apart: dict[str, Any] = {
            "name": "D9",
            "starts_at": at("17:00"),
            "ends_at": at("18:00"),
        }

        async def asked(own: str, *ids: str, **fields: Any) -> httpx.Response:
            return await stranger.post(
                "/v1/duties", json=duty_fields(own, *ids, **(apart | fields))
            )

        answers = [
            await stranger.get(path),
            await stranger.patch(path, json={"name": "X"}),
            await stranger.post(f"{path}/cancel"),
            await asked(vehicle, own_driver),
            await asked(own_vehicle, driver),
            await asked(own_vehicle, own_driver, driver),
            await asked(own_vehicle, own_driver, start_place_id=place),
            await asked(own_vehicle, own_driver, end_place_id=place),
            await stranger.patch(own, json={"vehicle_id": vehicle}),
            await stranger.patch(own, json={"crew": [driver]}),
            await stranger.patch(own, json={"end_place_id": place}),
        ]
        assert len((await stranger.get("/v1/duties")).json()["items"]) == 1
    assert [answer.status_code for answer in answers] == [404] * 11
