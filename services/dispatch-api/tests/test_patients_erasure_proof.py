"""The proof of an erasure: every table is read as text, and nothing of the person is there."""

from __future__ import annotations

from uuid import UUID

import httpx
import sqlalchemy as sa
from sqlmodel import col
from support.booking_world import BookingWorld
from support.dispatch_client import DispatchApi

from atmr_common.database.tenancy import OWNER, of_company
from dispatch_api.patients.tables import PatientRow

PERSON = {"name": "Zébulon Quiquerez", "phone": "+41 22 777 88 99", "notes": "Hard of hearing"}
HOME = {"label": "Chez Quiquerez", "address": "Chemin des Sablettes 41", "door_code": "A9931"}
WORDS = ("quiquerez", "bulon", "7778899", "777 88 99", "hearing", "sablettes", "a9931", "sister")


async def whole_database(api: DispatchApi) -> str:
    """All rows of all tables as text, bytes both as hexadecimal and as characters."""
    tables = sa.text(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
        "WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
    )
    async with api.ports.database.transaction(OWNER) as session:
        dump: list[str] = []
        for table in (await session.scalars(tables)).all():
            query = "SELECT t.*, t::text FROM " + table + " t"  # noqa: S608  the catalogue names it
            rows = await session.execute(sa.text(query))
            for row in rows:
                dump += [_text(value) for value in row]
    return "\n".join(dump).casefold()


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex() + value.decode("utf-8", "replace") + value.decode("latin-1")
    return str(value)


async def test_after_an_erasure_nothing_in_the_database_tells_of_the_person(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
) -> None:
    created = (await dispatcher.post("/v1/patients", json=PERSON | {"reference": "P-1"})).json()
    patient_id = created["id"]
    place = {"patient_id": patient_id, "lat": 46.2, "lon": 6.1} | HOME
    home = (await dispatcher.post("/v1/places", json=place)).json()
    world = BookingWorld(dispatch_api, company_id)
    booking = await world.booked(
        dispatcher,
        patient_id=patient_id,
        pickup_place_id=home["id"],
        notes="Quiquerez is hard of hearing",
    )
    waiver = {
        "day": booking["day"],
        "rule": "window",
        "booking_id": booking["id"],
        "excess_min": 10,
        "reason": "Quiquerez cannot come earlier",
    }
    granted = await dispatcher.post("/v1/waivers", json=waiver)
    path = f"/v1/bookings/{booking['id']}"
    held = await dispatcher.post(f"{path}/hold", json={"reason": "Quiquerez' sister calls back"})
    cancelled = await dispatcher.post(
        f"{path}/cancel", json={"reason": "Zébulon Quiquerez is with his sister"}
    )
    assert (granted.status_code, held.status_code, cancelled.status_code) == (201, 200, 200)
    async with dispatch_api.ports.database.transaction(of_company(company_id)) as session:
        key = await session.scalar(
            sa.select(col(PatientRow.data_key)).where(col(PatientRow.id) == UUID(patient_id))
        )
    before = await whole_database(dispatch_api)
    assert key is not None
    assert key.hex() in before
    assert "sister" in before  # what staff write is not sealed: the dump would show it
    assert "sablettes" not in before

    assert (await dispatcher.delete(f"/v1/patients/{patient_id}")).status_code == 204

    after = await whole_database(dispatch_api)
    assert [word for word in WORDS if word in after] == []
    assert key.hex() not in after
    assert patient_id in after  # the pseudonymous id stays, and the booking's history with it
    history = (await dispatcher.get(f"{path}/transitions")).json()
    assert [entry["to_state"] for entry in history][-1] == "cancelled"
    assert {entry["reason"] for entry in history} == {None}


async def test_the_words_about_others_stay(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
) -> None:
    world = BookingWorld(dispatch_api, company_id)
    erased, other = [(await world.booked(dispatcher)) for _ in range(2)]
    for booking in (erased, other):
        await dispatcher.post(f"/v1/bookings/{booking['id']}/cancel", json={"reason": "ill"})
    await dispatcher.delete(f"/v1/patients/{erased['patient_id']}")
    read = [(await dispatcher.get(f"/v1/bookings/{b['id']}")).json() for b in (erased, other)]
    assert [booking["reason"] for booking in read] == [None, "ill"]
