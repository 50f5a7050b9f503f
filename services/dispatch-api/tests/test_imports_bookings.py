"""Importing bookings from CSV: a report per row, all good rows or nothing, never anything twice."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx
import pytest
from support.booking_world import BookingWorld
from support.dispatch_client import DispatchApi

from atmr_common.database.tenancy import OWNER
from atmr_common.web.identity import Role
from dispatch_api.bookings.repository import BookingRepository
from dispatch_api.bookings.tables import BookingRow
from dispatch_api.patients.tables import PatientRow
from dispatch_api.places.tables import PlaceRow

HEADER = (
    "booking_id,patient_ref,direction,linked_booking_id,pickup_address,pickup_lat,pickup_lon,"
    "dropoff_lat,dropoff_lon,pickup_from,pickup_to,will_call,mobility,notes"
)
ALLER = "A-1,P-1,ALLER,,Rue du Lac 1,46.20,6.14,46.19,6.15,2026-03-16T08:10,,,wheelchair,Ring"
RETOUR = "R-1,P-1,RETOUR,A-1,,46.19,6.15,46.20,6.14,,,yes,wheelchair,"
OTHER = "A-2,P-2,ALLER,,,46.21,6.13,46.19,6.15,2026-03-16T09:10,,,ambulatory,"
WRONG = "A-3,P-3,ALLER,,,46.21,6.13,46.19,6.15,2026-03-16T09:10,2026-03-16T09:00,,ambulatory,"


def _file(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows, ""]).encode()


async def _import(client: httpx.AsyncClient, data: bytes, **parameters: str) -> dict[str, Any]:
    answer = await client.post(
        "/v1/imports/bookings",
        params=parameters,
        content=data,
        headers={"Content-Type": "text/csv"},
    )
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def _results(report: dict[str, Any]) -> list[str]:
    return [row["result"] for row in report["rows"]]


async def _bookings(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    items = (await client.get("/v1/bookings", params={"limit": "500"})).json()["items"]
    return {item["reference"]: item for item in items}


async def _count(api: DispatchApi, *tables: Any) -> Sequence[int]:
    async with api.ports.database.transaction(OWNER) as session:
        return [len((await session.scalars(table.__table__.select())).all()) for table in tables]


async def test_good_rows_become_linked_bookings(dispatcher: httpx.AsyncClient) -> None:
    report = await _import(dispatcher, _file(ALLER, RETOUR, OTHER))
    assert report["applied"]
    assert report["day"] == "2026-03-16"
    assert [(row["row"], row["reference"], row["state"]) for row in report["rows"]] == [
        (2, "A-1", "confirmed"),
        (3, "R-1", "awaiting_ready"),
        (4, "A-2", "confirmed"),
    ]
    found = await _bookings(dispatcher)
    assert {row["reference"]: row["id"] for row in report["rows"]} == {
        reference: booking["id"] for reference, booking in found.items()
    }
    there, back = found["A-1"], found["R-1"]
    assert back["linked_booking_id"] == there["id"]
    assert back["patient_id"] == there["patient_id"] != found["A-2"]["patient_id"]
    assert there["pickup_from"] == "2026-03-16T07:10:00Z"
    assert there["notes"] == "Ring"
    assert back["dropoff_place_id"] == there["pickup_place_id"]
    assert back["pickup_place_id"] == there["dropoff_place_id"] == found["A-2"]["dropoff_place_id"]


async def test_a_home_is_sealed_and_the_clinic_is_shared(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    await _import(dispatcher, _file(ALLER, OTHER))
    async with dispatch_api.ports.database.transaction(OWNER) as session:
        places = (await session.scalars(PlaceRow.__table__.select())).all()
        rows = [await session.get_one(PlaceRow, place_id) for place_id in places]
    homes = [row for row in rows if row.patient_id is not None]
    assert (len(rows), len(homes)) == (3, 2)
    assert all(row.lat is None and row.address is None for row in homes)


async def test_a_bad_row_spoils_no_good_one(dispatcher: httpx.AsyncClient) -> None:
    report = await _import(dispatcher, _file(OTHER, WRONG))
    assert _results(report) == ["created", "refused"]
    error = report["rows"][1]["errors"][0]
    assert error["column"] == "pickup_to"
    assert "closes" in error["message"]
    assert error["remedy"]
    assert set(await _bookings(dispatcher)) == {"A-2"}


@pytest.mark.parametrize("bad", [0, 1])
async def test_linked_rows_go_together(dispatcher: httpx.AsyncClient, bad: int) -> None:
    rows = [ALLER, RETOUR]
    rows[bad] = rows[bad].replace("wheelchair", "flying")
    report = await _import(dispatcher, _file(*rows, OTHER))
    assert _results(report) == ["refused", "refused", "created"]
    (together,) = report["rows"][1 - bad]["errors"]
    assert together["column"] == "linked_booking_id"
    assert f"row {bad + 2}" in together["message"]


async def test_a_value_out_of_bounds_refuses_both_linked_rows(
    dispatcher: httpx.AsyncClient,
) -> None:
    long = ALLER.replace("A-1", "A" * 65)
    report = await _import(dispatcher, _file(long, RETOUR.replace("A-1", "A" * 65)))
    assert _results(report) == ["refused", "refused"]
    assert report["rows"][0]["errors"][0]["column"] == "booking_id"
    stranger = await _import(dispatcher, _file(ALLER, RETOUR.replace("P-1", "P-2")))
    assert _results(stranger) == ["refused", "refused"]
    assert stranger["rows"][1]["errors"][0]["column"] == "patient_ref"


async def test_a_dry_run_reports_the_same_and_leaves_nothing(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    data = _file(ALLER, RETOUR, WRONG)
    dry = await _import(dispatcher, data, dry_run="true")
    assert not dry["applied"]
    assert await _count(dispatch_api, BookingRow, PatientRow, PlaceRow) == [0, 0, 0]
    assert [row["id"] for row in dry["rows"]] == [None] * 3
    wet = await _import(dispatcher, data)
    hidden = {"id": None}
    assert [row | hidden for row in wet["rows"]] == dry["rows"]


async def test_strict_refuses_a_file_with_a_bad_row(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    report = await _import(dispatcher, _file(OTHER, WRONG), strict="true")
    assert (report["applied"], _results(report)) == (False, ["left_out", "refused"])
    assert await _count(dispatch_api, BookingRow, PatientRow, PlaceRow) == [0, 0, 0]
    assert (await _import(dispatcher, _file(OTHER), strict="true"))["applied"]


async def test_the_same_file_again_doubles_nothing(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    data = _file(ALLER, RETOUR, OTHER)
    await _import(dispatcher, data)
    before = await _count(dispatch_api, BookingRow, PatientRow, PlaceRow)
    again = await _import(dispatcher, data)
    assert _results(again) == ["unchanged"] * 3
    assert await _count(dispatch_api, BookingRow, PatientRow, PlaceRow) == before


async def test_a_changed_row_changes_its_booking_only(dispatcher: httpx.AsyncClient) -> None:
    await _import(dispatcher, _file(ALLER, RETOUR, OTHER))
    later = ALLER.replace("08:10", "08:25").replace("Ring", "Knock")
    report = await _import(dispatcher, _file(later, RETOUR, OTHER))
    assert _results(report) == ["changed", "unchanged", "unchanged"]
    found = await _bookings(dispatcher)
    assert (found["A-1"]["version"], found["A-2"]["version"]) == (2, 1)
    assert found["A-1"]["pickup_from"] == "2026-03-16T07:25:00Z"
    assert found["A-1"]["notes"] == "Knock"


async def test_what_cannot_become_what_the_row_says_is_a_conflict(
    dispatcher: httpx.AsyncClient,
) -> None:
    await _import(dispatcher, _file(ALLER, OTHER))
    found = await _bookings(dispatcher)
    path = f"/v1/bookings/{found['A-2']['id']}/cancel"
    await dispatcher.post(path, json={"reason": "hospital stay"})
    report = await _import(
        dispatcher, _file(ALLER.replace("P-1", "P-9"), OTHER.replace("09:10", "09:20"))
    )
    assert _results(report) == ["conflict", "conflict"]
    assert report["rows"][0]["errors"][0]["column"] == "patient_ref"
    assert "cancelled" in report["rows"][1]["errors"][0]["message"]
    assert (await _bookings(dispatcher))["A-1"]["version"] == 1


async def test_strict_refuses_a_file_with_a_conflict(dispatcher: httpx.AsyncClient) -> None:
    await _import(dispatcher, _file(ALLER))
    report = await _import(dispatcher, _file(ALLER.replace("P-1", "P-9"), OTHER), strict="true")
    assert (report["applied"], _results(report)) == (False, ["conflict", "left_out"])
    assert set(await _bookings(dispatcher)) == {"A-1"}


async def test_an_interval_of_a_ready_patient_is_not_taken_back(
    dispatcher: httpx.AsyncClient,
) -> None:
    data = _file(ALLER, RETOUR)
    await _import(dispatcher, data)
    back = (await _bookings(dispatcher))["R-1"]
    await dispatcher.post(f"/v1/bookings/{back['id']}/ready", json={})
    assert _results(await _import(dispatcher, data)) == ["unchanged", "unchanged"]


async def test_an_address_without_coordinates_says_to_give_them(
    dispatcher: httpx.AsyncClient,
) -> None:
    row = ALLER.replace("46.20,6.14", ",")
    report = await _import(dispatcher, _file(row))
    (error,) = report["rows"][0]["errors"]
    assert error["column"] == "pickup_address"
    assert "latitude and longitude" in error["remedy"]


async def test_an_import_that_fails_midway_leaves_nothing(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as patched:
        patched.setattr(BookingRepository, "record", fail)  # patients, places, bookings are in
        with pytest.raises(RuntimeError, match="power"):
            await _import(dispatcher, _file(ALLER, RETOUR, OTHER))
    assert await _count(dispatch_api, BookingRow, PatientRow, PlaceRow) == [0, 0, 0]


async def test_a_file_that_is_none_is_reported_as_a_whole(dispatcher: httpx.AsyncClient) -> None:
    report = await _import(dispatcher, b"")
    assert report["rows"] == []
    assert report["errors"]
    report = await _import(dispatcher, b"\x00\xff\xfe")
    assert report["errors"]


async def test_windows_files_and_unknown_columns_are_read(dispatcher: httpx.AsyncClient) -> None:
    data = b"\xef\xbb\xbf" + _file(OTHER).replace(b"notes", b"colour").replace(b"\n", b"\r\n")
    report = await _import(dispatcher, data)
    assert _results(report) == ["created"]
    assert "colour" in report["warnings"][0]


async def test_only_dispatchers_import(dispatch_api: DispatchApi, company_id: UUID) -> None:
    async with dispatch_api.client(company_id, Role.CLINIC) as clinic:
        answer = await clinic.post("/v1/imports/bookings", content=_file(ALLER))
    assert answer.status_code == 403


async def test_another_company_with_the_same_references_has_its_own(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
) -> None:
    data = _file(ALLER, RETOUR)
    await _import(dispatcher, data)
    async with dispatch_api.client(await dispatch_api.company("Another")) as stranger:
        assert _results(await _import(stranger, data)) == ["created", "created"]
        theirs = await _bookings(stranger)
    ours = await _bookings(dispatcher)
    for field in ("id", "patient_id", "pickup_place_id", "dropoff_place_id"):
        assert theirs["A-1"][field] != ours["A-1"][field]


async def test_a_thousand_rows_take_a_few_seconds(
    dispatch_api: DispatchApi, company_id: UUID, dispatcher: httpx.AsyncClient
) -> None:
    rows = [
        ALLER.replace("A-1", f"A-{n}").replace("P-1", f"P-{n}").replace("46.20", f"46.2{n:04}")
        for n in range(1_000)
    ]
    began = time.monotonic()
    report = await _import(dispatcher, _file(*rows))
    seconds = time.monotonic() - began
    assert report["counts"] == {"created": 1_000}
    assert seconds < 15, f"{seconds:.1f} s"  # a few seconds where nobody else uses the machine
    world = BookingWorld(dispatch_api, company_id)
    async with world.api.ports.database.transaction(OWNER) as session:
        one = await BookingRepository(session).by_references(company_id, ["A-999"])
    assert one["A-999"].mobility == "wheelchair"
