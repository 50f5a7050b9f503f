"""The log of reads: what the application may do with it, and what its seals show."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from click.testing import Result
from sqlalchemy.exc import ProgrammingError
from support.dispatch_client import DispatchApi
from typer.testing import CliRunner

from atmr_common.database.tenancy import OWNER, of_company
from dispatch_api.patients.access_log_check import Head, LogVerdict, verify_access_log
from dispatch_api.patients.access_seals import seal_access_logs, sealing_work
from dispatch_api.patients.command import app as command
from dispatch_api.settings import DispatchSettings

READS = 4


async def read_patients(api: DispatchApi, client: httpx.AsyncClient) -> None:
    """READS entries, which are old enough to be sealed a moment later."""
    for number in range(READS):
        answer = await client.post("/v1/patients", json={"name": f"Mercier {number}"})
        assert answer.status_code == 201
    api.clock.advance(timedelta(minutes=6))


async def seal(api: DispatchApi) -> int:
    return await seal_access_logs(api.ports.database, api.clock.now())


async def verdict(api: DispatchApi, company_id: UUID, head: Head | None = None) -> LogVerdict:
    return await verify_access_log(api.ports.database, company_id, head)


async def as_superuser(api: DispatchApi, statement: str) -> None:
    whole = statement.replace("{FIRST}", FIRST).replace("{LAST_SEALED}", LAST_SEALED)
    async with api.ports.database.transaction(OWNER) as session:
        await session.execute(sa.text(whole))


@pytest.fixture
async def sealed(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
) -> LogVerdict:
    """A company with two seals, and entries after them."""
    for _ in range(2):
        await read_patients(dispatch_api, dispatcher)
        assert await seal(dispatch_api) == 1
    await read_patients(dispatch_api, dispatcher)
    return await verdict(dispatch_api, company_id)


async def test_an_untouched_log_is_intact(sealed: LogVerdict) -> None:
    assert sealed.broken is None
    assert (sealed.seals, sealed.entries, sealed.unsealed) == (2, 2 * READS, READS)
    assert sealed.head is not None
    assert sealed.head.number == 2


async def test_young_entries_wait_and_nothing_is_sealed_twice(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
) -> None:
    await read_patients(dispatch_api, dispatcher)
    await dispatcher.post("/v1/patients", json={"name": "Too young"})
    await sealing_work(dispatch_api.ports.database, dispatch_api.clock).work()
    assert await seal(dispatch_api) == 0
    found = await verdict(dispatch_api, company_id)
    assert (found.seals, found.entries, found.unsealed) == (1, READS, 1)


async def test_sealers_at_the_same_time_seal_once(
    dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
) -> None:
    await read_patients(dispatch_api, dispatcher)
    assert sum(await asyncio.gather(*(seal(dispatch_api) for _ in range(3)))) == 1
    assert (await verdict(dispatch_api, company_id)).broken is None


async def test_an_erasure_leaves_the_log_intact(
    dispatch_api: DispatchApi,
    dispatcher: httpx.AsyncClient,
    company_id: UUID,
    sealed: LogVerdict,
) -> None:
    first = (await dispatcher.get("/v1/patients", params={"limit": 1})).json()["items"][0]
    assert (await dispatcher.delete(f"/v1/patients/{first['id']}")).status_code == 204
    found = await verdict(dispatch_api, company_id, sealed.head)
    assert found.broken is None


FIRST = "(SELECT id FROM dispatch.patient_access_log ORDER BY id LIMIT 1)"
LAST_SEALED = "(SELECT through_id FROM dispatch.access_seal ORDER BY number DESC LIMIT 1)"
LATE = """
INSERT INTO dispatch.patient_access_log (id, company_id, patient_id, subject, role, at, fields)
SELECT '00000000-0000-7000-8000-000000000001', company_id, patient_id, subject, role, at, fields
FROM dispatch.patient_access_log WHERE id = {FIRST}
"""
LATER = "UPDATE dispatch.patient_access_log SET at = at + interval '1 microsecond' WHERE id={FIRST}"
RENAMED = "UPDATE dispatch.patient_access_log SET subject = 'nobody' WHERE id = {FIRST}"
EMPTIED = "UPDATE dispatch.patient_access_log SET fields = '[]' WHERE id = {FIRST}"
GONE = "DELETE FROM dispatch.patient_access_log WHERE id = {FIRST}"
CUT = "DELETE FROM dispatch.patient_access_log WHERE id >= {LAST_SEALED}"
OTHER = "UPDATE dispatch.access_seal SET digest = sha256(digest) WHERE number = 1"
TAMPERING = {
    "a reader renamed": (RENAMED, "Seal 1", "changed"),
    "a time changed": (LATER, "Seal 1", "changed"),
    "a field less": (EMPTIED, "Seal 1", "changed"),
    "an entry deleted": (GONE, "Seal 1", "covered 4 entries, and there are 3"),
    "an entry put in late": (LATE, "Seal 1", "covered 4 entries, and there are 5"),
    "the sealed end of the log cut": (CUT, "Seal 2", "covered 4 entries, and there are 3"),
    "a seal deleted": ("DELETE FROM dispatch.access_seal WHERE number = 1", "Seal 1", "missing"),
    "a digest changed": (OTHER, "Seal 1", "changed"),
}


@pytest.mark.parametrize("kind", TAMPERING)
async def test_what_was_done_to_the_log_is_named(
    dispatch_api: DispatchApi, company_id: UUID, sealed: LogVerdict, kind: str
) -> None:
    assert sealed.broken is None
    statement, seal_named, said = TAMPERING[kind]
    await as_superuser(dispatch_api, statement)
    broken = (await verdict(dispatch_api, company_id)).broken
    assert broken is not None
    assert broken.startswith(seal_named)
    assert said in broken


async def test_an_end_that_was_cut_with_its_seals_is_shown_by_the_witness(
    dispatch_api: DispatchApi, company_id: UUID, sealed: LogVerdict
) -> None:
    await as_superuser(
        dispatch_api,
        "DELETE FROM dispatch.patient_access_log WHERE id > "
        "(SELECT through_id FROM dispatch.access_seal WHERE number = 1)",
    )
    await as_superuser(dispatch_api, "DELETE FROM dispatch.access_seal WHERE number = 2")
    assert (await verdict(dispatch_api, company_id)).broken is None  # the database alone is mute
    broken = (await verdict(dispatch_api, company_id, sealed.head)).broken
    assert broken is not None
    assert "the end was cut off" in broken


async def test_a_log_that_was_sealed_again_is_shown_by_the_witness(
    dispatch_api: DispatchApi, company_id: UUID, sealed: LogVerdict
) -> None:
    await as_superuser(dispatch_api, "DELETE FROM dispatch.access_seal")
    await as_superuser(dispatch_api, RENAMED)
    assert await seal(dispatch_api) == 1
    await read_patients(dispatch_api, dispatch_api.client(company_id))
    assert await seal(dispatch_api) == 1
    assert (await verdict(dispatch_api, company_id)).broken is None
    broken = (await verdict(dispatch_api, company_id, sealed.head)).broken
    assert broken == "Seal 2 is not the one that was verified before."


@pytest.mark.parametrize("table", ["patient_access_log", "access_seal"])
@pytest.mark.parametrize("statement", ["DELETE FROM dispatch.{}", "TRUNCATE dispatch.{}"])
async def test_the_application_cannot_take_anything_away(
    dispatch_api: DispatchApi, company_id: UUID, sealed: LogVerdict, table: str, statement: str
) -> None:
    del sealed
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with dispatch_api.ports.database.transaction(of_company(company_id)) as session:
            await session.execute(sa.text(statement.format(table)))


async def run(settings: DispatchSettings, *arguments: str) -> Result:
    environment = {"DATABASE_URL": settings.database_url.get_secret_value()}
    return await asyncio.to_thread(
        CliRunner().invoke, command, ["verify-log", *arguments], env=environment
    )


async def test_the_command_keeps_a_witness_and_names_what_is_broken(
    dispatch_api: DispatchApi,
    dispatch_settings: DispatchSettings,
    company_id: UUID,
    sealed: LogVerdict,
    tmp_path: Path,
) -> None:
    witness = tmp_path / "heads.json"
    intact = await run(dispatch_settings, "--witness", str(witness), "--json")
    assert intact.exit_code == 0, intact.output
    assert json.loads(intact.stdout)["intact"] is True
    assert sealed.head is not None
    kept = json.loads(witness.read_text())
    assert kept == {str(company_id): {"number": 2, "digest": sealed.head.digest}}
    await as_superuser(dispatch_api, "DELETE FROM dispatch.access_seal WHERE number = 2")
    cut = await run(dispatch_settings, "--witness", str(witness), "--json")
    assert cut.exit_code == 1
    assert "cut off" in json.loads(cut.stdout)["companies"][0]["broken"]
    assert json.loads(witness.read_text()) == kept
    table = await run(dispatch_settings)
    assert table.exit_code == 0
    assert "intact" in table.stdout
    witness.write_text("[1]")
    wrong = await run(dispatch_settings, "--witness", str(witness))
    assert wrong.exit_code == 2
