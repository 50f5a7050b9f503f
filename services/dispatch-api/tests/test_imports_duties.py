"""Importing duties from CSV: vehicles, drivers and shifts by name, each row for itself."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.dispatch_client import DispatchApi

from atmr_common.database.tenancy import OWNER
from dispatch_api.drivers.tables import DriverRow, ShiftRow
from dispatch_api.duties.tables import DutyRow
from dispatch_api.vehicles.tables import VehicleRow

HEADER = (
    "duty_id,driver,driver_kind,vehicle,seats,wheelchairs,skills,crew,start_lat,start_lon,"
    "shift_start,shift_end,break_min,break_from,break_to"
)
ANA = (
    "D-1,Ana,regular,Van 1,4,1,oxygen,1,46.2,6.14,2026-03-16T07:00,2026-03-16T16:00,"
    "45,2026-03-16T11:00,2026-03-16T14:00"
)
BEN = "D-2,Ben,emergency,Van 2,2,0,,2,,,2026-03-16T08:00,2026-03-16T12:00,,,"


def _file(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows, ""]).encode()


async def _import(client: httpx.AsyncClient, data: bytes, **parameters: str) -> dict[str, Any]:
    answer = await client.post("/v1/imports/duties", params=parameters, content=data)
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def _results(report: dict[str, Any]) -> list[str]:
    return [row["result"] for row in report["rows"]]


async def _duties(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    answer = await client.get("/v1/duties", params={"day": "2026-03-16"})
    return {duty["name"]: duty for duty in answer.json()["items"]}


async def _counts(api: DispatchApi) -> list[int]:
    tables: list[Any] = [VehicleRow, DriverRow, ShiftRow, DutyRow]
    async with api.ports.database.transaction(OWNER) as session:
        return [len((await session.scalars(table.__table__.select())).all()) for table in tables]


async def test_rows_become_duties_with_vehicle_crew_and_shift(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    report = await _import(dispatcher, _file(ANA, BEN))
    assert (_results(report), report["applied"]) == (["created", "created"], True)
    found = await _duties(dispatcher)
    assert (len(found["D-1"]["crew"]), len(found["D-2"]["crew"])) == (1, 2)
    assert found["D-1"]["start_place_id"] is not None
    assert found["D-2"]["start_place_id"] is None
    assert found["D-1"]["starts_at"] == "2026-03-16T06:00:00Z"
    assert "second" in report["rows"][1]["warnings"][0]
    assert await _counts(dispatch_api) == [2, 3, 3, 2]


async def test_the_same_duties_again_double_nothing(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    await _import(dispatcher, _file(ANA, BEN))
    before = await _counts(dispatch_api)
    assert _results(await _import(dispatcher, _file(ANA, BEN))) == ["unchanged", "unchanged"]
    assert await _counts(dispatch_api) == before


async def test_a_changed_duty_is_changed_and_other_breaks_are_a_conflict(
    dispatcher: httpx.AsyncClient,
) -> None:
    await _import(dispatcher, _file(ANA, BEN))
    report = await _import(
        dispatcher,
        _file(
            ANA.replace(",45,", ",30,"), BEN.replace("2,0,,2", "3,0,,2").replace("12:00", "11:00")
        ),
    )
    assert _results(report) == ["conflict", "changed"]
    assert report["rows"][0]["errors"][0]["column"] == "break_min"
    assert any("seats" in warning for warning in report["rows"][1]["warnings"])
    assert (await _duties(dispatcher))["D-2"]["ends_at"] == "2026-03-16T10:00:00Z"


async def test_what_the_fleets_rules_refuse_takes_back_its_row_alone(
    dispatcher: httpx.AsyncClient,
) -> None:
    await _import(dispatcher, _file(ANA))
    report = await _import(
        dispatcher,
        _file(BEN, BEN.replace("D-2", "D-3").replace("Ben", "Ana").replace("Van 2", "Van 3")),
    )
    assert _results(report) == ["created", "conflict"]
    assert "Ana" in report["rows"][1]["errors"][0]["message"]
    vehicles = (await dispatcher.get("/v1/vehicles")).json()["items"]
    assert [vehicle["name"] for vehicle in vehicles] == ["Van 1", "Van 2"]


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("16T16:00", "16T06:00", "shift_end"),
        (",1,46.2", ",3,46.2", "crew"),
        ("Van 1", "V" * 81, "vehicle"),
    ],
)
async def test_a_bad_row_is_refused_and_spoils_no_good_one(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, old: str, new: str, column: str
) -> None:
    report = await _import(dispatcher, _file(ANA.replace(old, new), BEN))
    assert _results(report) == ["refused", "created"]
    assert report["rows"][0]["errors"][0]["column"] == column
    assert await _counts(dispatch_api) == [1, 2, 2, 1]


@pytest.mark.parametrize("parameter", ["dry_run", "strict"])
async def test_a_dry_run_and_a_strict_refusal_leave_nothing(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, parameter: str
) -> None:
    bad = ANA.replace("D-1", "D-9").replace("Ana", "Eva").replace("16T16:00", "16T06:00")
    report = await _import(dispatcher, _file(BEN, bad), **{parameter: "true"})
    assert not report["applied"]
    expected = {"dry_run": ["created", "refused"], "strict": ["left_out", "refused"]}
    assert _results(report) == expected[parameter]
    assert report["rows"][0]["id"] is None
    assert await _counts(dispatch_api) == [0, 0, 0, 0]


async def test_another_company_has_duties_of_its_own(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    await _import(dispatcher, _file(ANA))
    async with dispatch_api.client(await dispatch_api.company("Another")) as stranger:
        assert _results(await _import(stranger, _file(ANA))) == ["created"]
        theirs = (await _duties(stranger))["D-1"]
    ours = (await _duties(dispatcher))["D-1"]
    for field in ("id", "vehicle_id", "crew", "start_place_id"):
        assert theirs[field] != ours[field]
