"""Vehicles and outages through the API."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest
from support.dispatch_client import DispatchApi
from support.fleet import a_driver, a_duty, a_vehicle, at, posted

from atmr_common.web.identity import Role

VAN = {
    "name": "VW 1",
    "plate": "GE 1",
    "seats": 5,
    "wheelchairs": 1,
    "fold_seats_per_wheelchair": 2,
    "equipment": ["ramp"],
    "inspection_expires_on": "2027-05-31",
}


async def test_a_vehicle_is_read_and_changed(dispatcher: httpx.AsyncClient) -> None:
    created = await posted(dispatcher, "/v1/vehicles", **VAN)
    path = f"/v1/vehicles/{created['id']}"
    assert (await dispatcher.get(path)).json() == created
    assert VAN.items() <= created.items()
    answer = await dispatcher.patch(path, json={"seats": 6, "plate": None})
    changed = answer.json()
    assert (changed["seats"], changed["plate"], changed["version"]) == (6, None, 2)
    assert (changed["wheelchairs"], changed["equipment"]) == (1, ["ramp"])


@pytest.mark.parametrize(
    "fields", [{"seats": -1}, {"seats": 0, "wheelchairs": 0}, {"name": ""}, {"colour": "red"}]
)
async def test_a_vehicle_that_cannot_be_is_refused(
    dispatcher: httpx.AsyncClient, fields: dict[str, object]
) -> None:
    answer = await dispatcher.post("/v1/vehicles", json=VAN | fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_a_change_cannot_take_all_room_or_another_ones_name(
    dispatcher: httpx.AsyncClient,
) -> None:
    await a_vehicle(dispatcher, "V1")
    path = f"/v1/vehicles/{await a_vehicle(dispatcher, 'V2')}"
    assert (await dispatcher.patch(path, json={"seats": 0})).status_code == 422
    assert (await dispatcher.patch(path, json={"name": None})).status_code == 422
    taken = await dispatcher.patch(path, json={"name": "V1"})
    again = await dispatcher.post("/v1/vehicles", json={"name": "V1", "seats": 1})
    for answer in (taken, again):
        assert (answer.status_code, answer.json()["code"]) == (409, "taken")


async def test_a_retired_vehicle_is_listed_apart(dispatcher: httpx.AsyncClient) -> None:
    used, retired = await a_vehicle(dispatcher, "V1"), await a_vehicle(dispatcher, "V2")
    assert (await dispatcher.delete(f"/v1/vehicles/{retired}")).status_code == 204
    for active, expected in (("true", used), ("false", retired)):
        listed = (await dispatcher.get("/v1/vehicles", params={"active": active})).json()
        assert [vehicle["id"] for vehicle in listed["items"]] == [expected]


async def test_the_fleet_pages_by_cursor(dispatcher: httpx.AsyncClient) -> None:
    ids = {await a_vehicle(dispatcher, f"V{number}") for number in range(3)}
    first = (await dispatcher.get("/v1/vehicles", params={"limit": 2})).json()
    after = {"limit": 2, "cursor": first["next_cursor"]}
    rest = (await dispatcher.get("/v1/vehicles", params=after)).json()
    assert {vehicle["id"] for vehicle in first["items"] + rest["items"]} == ids
    assert (len(first["items"]), rest["next_cursor"]) == (2, None)


async def test_outages_are_listed_and_removed(dispatcher: httpx.AsyncClient) -> None:
    path = f"/v1/vehicles/{await a_vehicle(dispatcher)}/outages"
    times = {"starts_at": at("08:00"), "ends_at": at("12:00")}
    outage = await posted(dispatcher, path, reason="tyres", **times)
    assert (await dispatcher.get(path)).json()["items"] == [outage]
    assert (await dispatcher.delete(f"{path}/{outage['id']}")).status_code == 204
    assert (await dispatcher.get(path)).json()["items"] == []
    assert (await dispatcher.delete(f"{path}/{outage['id']}")).status_code == 404
    backwards = {"starts_at": at("12:00"), "ends_at": at("08:00"), "reason": "x"}
    assert (await dispatcher.post(path, json=backwards)).status_code == 422
    naive = {"starts_at": "2026-03-17T08:00:00", "ends_at": at("12:00"), "reason": "x"}
    assert (await dispatcher.post(path, json=naive)).status_code == 422


async def test_what_a_duty_needs_is_not_taken_from_it(dispatcher: httpx.AsyncClient) -> None:
    vehicle = await a_vehicle(dispatcher)
    duty = await a_duty(dispatcher, vehicle, await a_driver(dispatcher))
    path = f"/v1/vehicles/{vehicle}"
    outage = {"starts_at": at("15:00"), "ends_at": at("18:00"), "reason": "x"}
    answers = [
        await dispatcher.post(f"{path}/outages", json=outage),
        await dispatcher.delete(path),
        await dispatcher.patch(path, json={"inspection_expires_on": "2026-03-16"}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
        assert answer.json()["duties"] == [duty["id"]]
    after = {"starts_at": at("16:00"), "ends_at": at("18:00"), "reason": "x"}
    assert (await dispatcher.post(f"{path}/outages", json=after)).status_code == 201


async def test_another_companys_vehicles_are_not_found(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    path = f"/v1/vehicles/{await a_vehicle(dispatcher)}"
    outage = {"starts_at": at("08:00"), "ends_at": at("12:00"), "reason": "x"}
    own = await posted(dispatcher, f"{path}/outages", **outage)
    async with dispatch_api.client(await dispatch_api.company("B")) as stranger:
        answers = [
            await stranger.get(path),
            await stranger.patch(path, json={"seats": 1}),
            await stranger.delete(path),
            await stranger.post(f"{path}/outages", json=outage),
            await stranger.get(f"{path}/outages"),
            await stranger.delete(f"{path}/outages/{own['id']}"),
        ]
        assert (await stranger.get("/v1/vehicles")).json()["items"] == []
        await a_vehicle(stranger)
    assert [answer.status_code for answer in answers] == [404] * 6


@pytest.mark.parametrize("role", [Role.CLINIC, Role.DRIVER, Role.PATIENT])
async def test_only_dispatchers_manage_the_fleet(
    dispatch_api: DispatchApi, company_id: UUID, role: Role
) -> None:
    async with dispatch_api.client(company_id, role) as client:
        for path in ("/v1/vehicles", "/v1/drivers", "/v1/shifts", "/v1/duties"):
            assert (await client.get(path)).status_code == 403
