"""Drivers, shifts with breaks, and absences through the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.dispatch_client import DispatchApi
from support.fleet import a_driver, a_duty, a_vehicle, at, posted

from dispatch_api.drivers.domain import Break, ShiftError, check_shift

ANA = {
    "name": "Ana",
    "kind": "emergency",
    "subject": "ana",
    "credentials": [{"skill": "oxygen", "expires_on": "2027-01-31"}],
}


def a_break(minutes: float, earliest: str | None, latest: str | None) -> dict[str, Any]:
    return {
        "minutes": minutes,
        "earliest": earliest and at(earliest),
        "latest": latest and at(latest),
    }


def shift_fields(driver: str, begin: str, end: str, *breaks: dict[str, Any]) -> dict[str, Any]:
    return {
        "driver_id": driver,
        "starts_at": at(begin),
        "ends_at": at(end),
        "breaks": list(breaks),
    }


async def test_a_driver_is_read_and_changed(dispatcher: httpx.AsyncClient) -> None:
    place = await posted(dispatcher, "/v1/places", lat=46.2, lon=6.1)
    created = await posted(dispatcher, "/v1/drivers", **ANA)
    path = f"/v1/drivers/{created['id']}"
    assert (await dispatcher.get(path)).json() == created
    assert ANA.items() <= created.items()
    change = {"kind": "regular", "start_place_id": place["id"], "credentials": []}
    changed = (await dispatcher.patch(path, json=change)).json()
    assert (changed["kind"], changed["start_place_id"]) == ("regular", place["id"])
    assert (changed["credentials"], changed["subject"], changed["version"]) == ([], "ana", 2)


async def test_names_and_subjects_are_given_once(dispatcher: httpx.AsyncClient) -> None:
    await posted(dispatcher, "/v1/drivers", **ANA)
    for fields in ({"name": "Ana"}, {"name": "Ben", "subject": "ana"}):
        answer = await dispatcher.post("/v1/drivers", json=fields)
        assert (answer.status_code, answer.json()["code"]) == (409, "taken")


async def test_a_driver_who_left_gives_the_subject_free(dispatcher: httpx.AsyncClient) -> None:
    left = await posted(dispatcher, "/v1/drivers", **ANA)
    assert (await dispatcher.delete(f"/v1/drivers/{left['id']}")).status_code == 204
    stays = await a_driver(dispatcher, "Ben", subject="ana")
    listed = (await dispatcher.get("/v1/drivers", params={"active": "true"})).json()["items"]
    assert [driver["id"] for driver in listed] == [stays]


async def test_a_shift_is_read_changed_and_removed(dispatcher: httpx.AsyncClient) -> None:
    driver = await a_driver(dispatcher)
    pause = a_break(45, "11:00", None)
    shift = await posted(dispatcher, "/v1/shifts", **shift_fields(driver, "07:00", "16:00", pause))
    path = f"/v1/shifts/{shift['id']}"
    assert (await dispatcher.get(path)).json() == shift
    assert datetime.fromisoformat(shift["breaks"][0]["latest"]) == datetime(
        2026, 3, 17, 15, tzinfo=UTC
    )
    answer = await dispatcher.patch(path, json={"ends_at": at("17:00")})
    assert datetime.fromisoformat(answer.json()["ends_at"]).hour == 16
    assert answer.json()["version"] == 2
    assert (await dispatcher.delete(path)).status_code == 204
    assert (await dispatcher.get(path)).status_code == 404


async def test_two_shifts_of_a_driver_never_overlap(dispatcher: httpx.AsyncClient) -> None:
    driver, other = await a_driver(dispatcher), await a_driver(dispatcher, "Ben")
    first = await posted(dispatcher, "/v1/shifts", **shift_fields(driver, "07:00", "12:00"))
    second = await posted(dispatcher, "/v1/shifts", **shift_fields(driver, "12:00", "16:00"))
    await posted(dispatcher, "/v1/shifts", **shift_fields(other, "07:00", "16:00"))
    added = await dispatcher.post("/v1/shifts", json=shift_fields(driver, "11:00", "13:00"))
    moved = await dispatcher.patch(f"/v1/shifts/{first['id']}", json={"ends_at": at("12:01")})
    for answer, clash in ((added, first), (moved, second)):
        assert (answer.status_code, answer.json()["code"]) == (409, "shift_overlap")
        assert answer.json()["shift_id"] == clash["id"]


@pytest.mark.parametrize(
    ("breaks", "says"),
    [
        ([a_break(61, "11:00", "12:00")], "does not fit into its window of 60 min"),
        ([a_break(30, "06:00", "12:00")], "not inside"),
        ([a_break(30, "15:00", "17:00")], "not inside"),
        ([a_break(30, "12:00", "11:00")], "not inside"),
        ([a_break(40, "11:00", "12:00"), a_break(40, "11:00", "12:00")], "one after the other"),
    ],
)
async def test_a_break_that_cannot_be_taken_is_refused(
    dispatcher: httpx.AsyncClient, breaks: list[dict[str, Any]], says: str
) -> None:
    driver = await a_driver(dispatcher)
    answer = await dispatcher.post(
        "/v1/shifts", json=shift_fields(driver, "07:00", "16:00", *breaks)
    )
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


async def test_shifts_are_listed_by_local_day_also_when_the_clocks_change(
    dispatcher: httpx.AsyncClient,
) -> None:
    driver = await a_driver(dispatcher)
    saturday, sunday, monday = [
        (await posted(dispatcher, "/v1/shifts", driver_id=driver, starts_at=begin, ends_at=end))[
            "id"
        ]
        for begin, end in (
            ("2026-03-28T15:00:00+01:00", "2026-03-29T00:00:00+01:00"),
            ("2026-03-29T00:30:00+01:00", "2026-03-29T00:50:00+01:00"),
            ("2026-03-30T00:00:00+02:00", "2026-03-30T08:00:00+02:00"),
        )
    ]
    for day, expected in (("28", saturday), ("29", sunday), ("30", monday)):
        answer = await dispatcher.get("/v1/shifts", params={"day": f"2026-03-{day}"})
        assert [shift["id"] for shift in answer.json()["items"]] == [expected]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
async def test_a_day_that_nobody_means_is_refused(dispatcher: httpx.AsyncClient, day: str) -> None:
    shifts = await dispatcher.get("/v1/shifts", params={"day": day})
    header = "duty_id,driver,vehicle,seats,shift_start,shift_end"
    duties = await dispatcher.post(
        "/v1/imports/duties",
        params={"date": day, "dry_run": True},
        content=f"{header}\nD1,Ana,V1,4,08:00,09:00\n",
    )
    assert (shifts.status_code, duties.status_code) == (422, 422)


async def test_a_shift_counts_elapsed_hours_over_a_change_of_the_clocks(
    dispatcher: httpx.AsyncClient,
) -> None:
    driver = await a_driver(dispatcher)
    day = {"starts_at": "2026-10-25T00:00:00+02:00", "ends_at": "2026-10-26T00:00:00+01:00"}
    answer = await dispatcher.post("/v1/shifts", json={"driver_id": driver, **day})
    assert answer.status_code == 422
    assert "24 hours" in answer.json()["detail"]


async def test_naive_times_are_refused(dispatcher: httpx.AsyncClient) -> None:
    driver = await a_driver(dispatcher)
    times = {"starts_at": "2026-03-17T07:00:00", "ends_at": at("16:00")}
    answer = await dispatcher.post("/v1/shifts", json={"driver_id": driver, **times})
    assert answer.json()["errors"][0]["pointer"] == "#/body/starts_at"


async def test_what_a_duty_needs_is_not_taken_from_it(dispatcher: httpx.AsyncClient) -> None:
    driver = await a_driver(dispatcher)
    duty = await a_duty(dispatcher, await a_vehicle(dispatcher), driver)
    shifts = await dispatcher.get("/v1/shifts", params={"driver_id": driver})
    shift = f"/v1/shifts/{shifts.json()['items'][0]['id']}"
    path = f"/v1/drivers/{driver}"
    expired = [{"skill": "oxygen", "expires_on": "2026-03-16"}]
    answers = [
        await dispatcher.delete(shift),
        await dispatcher.patch(shift, json={"ends_at": at("15:00")}),
        await dispatcher.delete(path),
        await dispatcher.patch(path, json={"credentials": expired}),
        await dispatcher.post(
            f"{path}/absences", json={"starts_at": at("15:00"), "ends_at": at("20:00")}
        ),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
        assert answer.json()["duties"] == [duty["id"]]


async def test_absences_are_listed_and_removed(dispatcher: httpx.AsyncClient) -> None:
    path = f"/v1/drivers/{await a_driver(dispatcher)}/absences"
    times = {"starts_at": at("00:00"), "ends_at": at("23:00")}
    absence = await posted(dispatcher, path, reason="illness", **times)
    assert (await dispatcher.get(path)).json()["items"] == [absence]
    assert (await dispatcher.delete(f"{path}/{absence['id']}")).status_code == 204
    assert (await dispatcher.delete(f"{path}/{absence['id']}")).status_code == 404
    diagnosis = await dispatcher.post(path, json=times | {"reason": "broken leg"})
    assert diagnosis.status_code == 422


async def test_another_companys_drivers_places_and_shifts_are_not_found(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    driver = await a_driver(dispatcher)
    place = await posted(dispatcher, "/v1/places", lat=46.2, lon=6.1)
    shift = await posted(dispatcher, "/v1/shifts", **shift_fields(driver, "07:00", "12:00"))
    path, shift_path = f"/v1/drivers/{driver}", f"/v1/shifts/{shift['id']}"
    away = {"starts_at": at("07:00"), "ends_at": at("12:00")}
    async with dispatch_api.client(await dispatch_api.company("B")) as stranger:
        own = f"/v1/drivers/{await a_driver(stranger)}"
        answers = [
            await stranger.get(path),
            await stranger.patch(path, json={"name": "X"}),
            await stranger.delete(path),
            await stranger.post(f"{path}/absences", json=away),
            await stranger.get(f"{path}/absences"),
            await stranger.post("/v1/shifts", json=shift_fields(driver, "13:00", "14:00")),
            await stranger.get(shift_path),
            await stranger.patch(shift_path, json={"breaks": []}),
            await stranger.delete(shift_path),
            await stranger.patch(own, json={"start_place_id": place["id"]}),
            await stranger.post("/v1/drivers", json={"name": "Y", "start_place_id": place["id"]}),
        ]
        assert (await stranger.get("/v1/shifts")).json()["items"] == []
    assert [answer.status_code for answer in answers] == [404] * 11


@given(
    st.lists(st.tuples(st.integers(1, 240), st.integers(0, 600), st.integers(0, 600)), max_size=4)
)
def test_breaks_are_accepted_just_when_an_order_of_them_works(
    sketches: list[tuple[int, int, int]],
) -> None:
    begin = datetime(2026, 3, 17, 6, tzinfo=UTC)
    breaks = [
        Break(
            minutes=minutes,
            earliest=begin + timedelta(minutes=min(a, b)),
            latest=begin + timedelta(minutes=max(a, b)),
        )
        for minutes, a, b in sketches
    ]
    try:
        check_shift(begin, begin + timedelta(hours=10), breaks)
    except ShiftError:
        return
    total = sum((pause.length for pause in breaks), timedelta())
    assert all(pause.latest - pause.earliest >= pause.length for pause in breaks)
    if breaks:
        first, last = min(p.earliest for p in breaks), max(p.latest for p in breaks)
        assert total <= last - first
