"""Rotating the patient key: everything stays readable and findable, and the old key can go."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from click.testing import Result
from prometheus_client import CollectorRegistry
from sqlmodel import col
from support.booking_world import BookingWorld
from support.dispatch_client import DispatchApi
from typer.testing import CliRunner

from atmr_common.database.tenancy import OWNER, of_company
from dispatch_api.app import create_app
from dispatch_api.patients.command import app as command
from dispatch_api.patients.key_versions import PatientKeysReady, patients_by_version
from dispatch_api.patients.rotation import rotate_keys
from dispatch_api.patients.tables import PatientRow, PatientTokenRow
from dispatch_api.patients.vault import MasterKeys, PatientVault, UnknownKeyVersionError
from dispatch_api.settings import DispatchSettings

OLD, NEW = bytes(range(32)), bytes(range(100, 132))
BOTH = MasterKeys({1: OLD, 2: NEW}, 2)
NEW_ALONE = MasterKeys({2: NEW}, 2)


def lines(keys: MasterKeys) -> str:
    return "\n".join(
        f"{version} {base64.b64encode(key).decode()}" for version, key in keys.by_version.items()
    )


def with_keys(api: DispatchApi, settings: DispatchSettings, keys: MasterKeys) -> DispatchApi:
    """The same service as another process would run it, with other keys."""
    ports = replace(api.ports, vault=PatientVault(keys), registry=CollectorRegistry())
    return replace(api, app=create_app(settings, ports), ports=ports)


async def create(client: httpx.AsyncClient, name: str, **fields: object) -> dict[str, Any]:
    answer = await client.post("/v1/patients", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def found(client: httpx.AsyncClient, text: str) -> list[str]:
    answer = await client.post("/v1/patients/search", json={"text": text})
    assert answer.status_code == 200, answer.text
    return [patient["name"] for patient in answer.json()["items"]]


async def rotate(api: DispatchApi, batch: int = 2) -> int:
    rotation = rotate_keys(api.ports.database, api.ports.vault, batch=batch)
    return sum([done.patients async for done in rotation])


async def token_versions(api: DispatchApi, company_id: UUID) -> dict[int, int]:
    version = col(PatientTokenRow.key_version)
    query = sa.select(version, sa.func.count()).group_by(version)
    async with api.ports.database.transaction(of_company(company_id)) as session:
        return {row[0]: row[1] for row in await session.execute(query)}


async def run(*arguments: str, settings: DispatchSettings, keys: MasterKeys) -> Result:
    """The command, in a thread as it has an event loop of its own."""
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "ATMR_PATIENT_KEY": lines(keys),
        "ATMR_PATIENT_KEY_FILE": None,
    }
    return await asyncio.to_thread(CliRunner().invoke, command, list(arguments), env=environment)


async def test_after_a_rotation_the_old_key_can_be_taken_away(
    dispatch_api: DispatchApi, dispatch_settings: DispatchSettings, company_id: UUID
) -> None:
    other_company = await dispatch_api.company("B")
    async with dispatch_api.client(company_id) as client:
        patients = [await create(client, f"Mercier {n}", phone=f"022 555 01 2{n}") for n in "1234"]
        elise = patients[0]
        home = (
            await client.post(
                "/v1/places",
                json={"patient_id": elise["id"], "label": "Home", "lat": 46.2, "lon": 6.1},
            )
        ).json()
        world = BookingWorld(dispatch_api, company_id)
        booking = await world.booked(client, patient_id=elise["id"], notes="ring twice")
    async with dispatch_api.client(other_company) as client:
        await create(client, "Rochat")

    both = with_keys(dispatch_api, dispatch_settings, BOTH)
    assert await rotate(both) == 5
    assert await patients_by_version(dispatch_api.ports.database) == {2: 5}
    assert set(await token_versions(both, company_id)) == {2}
    assert await rotate(both) == 0

    after = with_keys(dispatch_api, dispatch_settings, NEW_ALONE)
    async with after.client(company_id) as client:
        assert (await client.get(f"/v1/patients/{elise['id']}")).json() == elise
        assert await found(client, "mercier") == [f"Mercier {n}" for n in "1234"]
        assert await found(client, "022 555 01 23") == ["Mercier 3"]
        read_home = (await client.get(f"/v1/places/{home['id']}")).json()
        assert (read_home["label"], read_home["lat"]) == ("Home", 46.2)
        read = (await client.get(f"/v1/bookings/{booking['id']}")).json()
        assert read["notes"] == "ring twice"
    async with after.client(other_company) as client:
        assert await found(client, "rochat") == ["Rochat"]


async def test_during_a_rotation_everybody_is_found(
    dispatch_api: DispatchApi, dispatch_settings: DispatchSettings, company_id: UUID
) -> None:
    async with dispatch_api.client(company_id) as client:
        old = [await create(client, f"Mercier {n}") for n in "123"]
    both = with_keys(dispatch_api, dispatch_settings, BOTH)
    rotation = rotate_keys(both.ports.database, both.ports.vault, batch=1)
    assert (await anext(rotation)).patients == 1
    await rotation.aclose()  # stopped in the middle
    async with both.client(company_id) as client:
        await create(client, "Mercier 4")
        assert await found(client, "mercier") == [f"Mercier {n}" for n in "1234"]
        assert set(await token_versions(both, company_id)) == {1, 2}
        changed = await client.patch(f"/v1/patients/{old[2]['id']}", json={"name": "Favre"})
        assert changed.status_code == 200
        assert await found(client, "favre") == ["Favre"]
    assert await patients_by_version(dispatch_api.ports.database) == {1: 1, 2: 3}
    assert await rotate(both) == 1


async def test_the_version_of_a_patient_and_of_the_index_are_the_same(
    dispatch_api: DispatchApi, dispatch_settings: DispatchSettings, company_id: UUID
) -> None:
    """A process that was not told yet to use version 2 leaves a patient under it."""
    both = with_keys(dispatch_api, dispatch_settings, BOTH)
    waiting = with_keys(dispatch_api, dispatch_settings, replace(BOTH, current=1))
    async with both.client(company_id) as client:
        patient = await create(client, "Mercier")
    async with waiting.client(company_id) as client:
        await client.patch(f"/v1/patients/{patient['id']}", json={"name": "Rochat"})
    after = with_keys(dispatch_api, dispatch_settings, NEW_ALONE)
    async with after.client(company_id) as client:
        assert await found(client, "rochat") == ["Rochat"]
    assert await patients_by_version(dispatch_api.ports.database) == {2: 1}


async def test_a_rotation_waits_for_whoever_changes_a_patient(
    dispatch_api: DispatchApi, dispatch_settings: DispatchSettings, company_id: UUID
) -> None:
    async with dispatch_api.client(company_id) as client:
        patient = await create(client, "Mercier")
    both = with_keys(dispatch_api, dispatch_settings, BOTH)
    async with dispatch_api.ports.database.transaction(of_company(company_id)) as session:
        row = await session.get_one(PatientRow, UUID(patient["id"]), with_for_update=True)
        rotating = asyncio.create_task(rotate(both))
        async with dispatch_api.ports.database.transaction(OWNER) as watcher:
            waits = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while not await watcher.scalar(waits):
                assert not rotating.done()
        row.data_key = row.sealed = None  # an erasure
    assert await rotating == 0
    async with dispatch_api.ports.database.transaction(of_company(company_id)) as session:
        assert (await session.get_one(PatientRow, UUID(patient["id"]))).data_key is None


async def test_a_patient_under_an_unknown_version_stops_the_rotation(
    dispatch_api: DispatchApi, dispatch_settings: DispatchSettings, company_id: UUID
) -> None:
    async with dispatch_api.client(company_id) as client:
        await create(client, "Mercier")
    without = with_keys(dispatch_api, dispatch_settings, NEW_ALONE)
    with pytest.raises(UnknownKeyVersionError):
        await rotate(without)
    assert await patients_by_version(dispatch_api.ports.database) == {1: 1}


async def test_a_service_without_a_key_in_use_is_not_ready(
    dispatch_api: DispatchApi, dispatch_settings: DispatchSettings, company_id: UUID
) -> None:
    without = with_keys(dispatch_api, dispatch_settings, NEW_ALONE)
    database = dispatch_api.ports.database
    assert await PatientKeysReady(database, {2})() is None  # nobody is there yet
    async with dispatch_api.client(company_id) as client:
        await create(client, "Mercier")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(without.app), base_url="http://dispatch"
    ) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert "version 1 of the patient key" in answer.text
    assert await PatientKeysReady(database, {1})() is None


async def test_the_command_counts_rotates_and_says_what_is_left(
    dispatch_api: DispatchApi, dispatch_settings: DispatchSettings, company_id: UUID
) -> None:
    async with dispatch_api.client(company_id) as client:
        for number in range(3):
            await create(client, f"Mercier {number}")
    dry = await run("rotate-keys", "--dry-run", "--json", settings=dispatch_settings, keys=BOTH)
    assert json.loads(dry.stdout)["patients"] == 3
    assert await patients_by_version(dispatch_api.ports.database) == {1: 3}
    done = await run("rotate-keys", "--json", settings=dispatch_settings, keys=BOTH)
    report = json.loads(done.stdout)
    tokens = await token_versions(dispatch_api, company_id)
    assert report == {
        "current": 2,
        "dry_run": False,
        "patients": 3,
        "tokens": tokens[2],
        "left": {},
    }
    shown = await run("keys", "--json", settings=dispatch_settings, keys=BOTH)
    assert json.loads(shown.stdout)["versions"] == [
        {"version": 1, "patients": 0, "in_file": True, "current": False},
        {"version": 2, "patients": 3, "in_file": True, "current": True},
    ]
    again = await run("rotate-keys", settings=dispatch_settings, keys=NEW_ALONE)
    assert again.exit_code == 0
    assert "No patient needs an older version" in again.stdout


async def test_the_command_names_a_key_that_is_not_there(
    dispatch_api: DispatchApi, dispatch_settings: DispatchSettings, company_id: UUID
) -> None:
    async with dispatch_api.client(company_id) as client:
        await create(client, "Mercier")
    for arguments, code in ((["keys"], 1), (["rotate-keys"], 2)):
        told = await run(*arguments, settings=dispatch_settings, keys=NEW_ALONE)
        assert told.exit_code == code
        assert "version 1 of the patient key" in told.stderr
    wrong = dispatch_settings.model_copy(
        update={"database_url": type(dispatch_settings.database_url)("postgresql://127.0.0.1:1/x")}
    )
    away = await run("keys", settings=wrong, keys=BOTH)
    assert away.exit_code == 2
    assert "Is DATABASE_URL right" in away.stderr
