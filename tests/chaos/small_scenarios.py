"""What needs no mesh: two runs of one day, a policy that is off, a plan and a migration cut short.

Each works on a database of its own on the run's PostgreSQL.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from chaos.children import TESTS, Launcher, Plain, Supervised, crash_hits
from chaos.mesh import TEMPLATE, Servers
from chaos.world import PATIENT_KEY
from support.databases import create_database
from support.dispatch_client import DispatchApi
from support.dispatch_worker import worker_of
from support.stored_days import store_day
from support.tokens import TokenSigner

from atmr_common.database.migrations import pending
from atmr_common.database.tenancy import OWNER, of_company
from atmr_common.runtime.clock import SystemClock
from atmr_engine.simulate.demand import Demand, generate_day
from dispatch_api import schema
from dispatch_api.app import create_app
from dispatch_api.composition import make_ports
from dispatch_api.plans.commit import PlanCommit
from dispatch_api.settings import DispatchSettings

DAY = date(2026, 3, 16)
BOOKINGS, DUTIES = 12, 3
PATIENCE_S = 60.0
PLANS = """
SELECT (headers ->> 'ce_aggregateversion')::int FROM dispatch.outbox
WHERE headers ->> 'ce_type' LIKE '%PlanCommitted' ORDER BY position
"""
HALF = """
SELECT (SELECT json_agg(p ORDER BY p::text)::text FROM dispatch.plan p),
       (SELECT json_agg(a ORDER BY a::text)::text FROM dispatch.assignment a),
       (SELECT json_agg(b ORDER BY b::text)::text FROM dispatch.booking b),
       (SELECT count(*) FROM dispatch.outbox WHERE headers ->> 'ce_type' LIKE '%PlanCommitted')
"""
"""What a plan commit writes; the same before and after one that was cut short."""
ASTRAY = """
SELECT count(*) FROM dispatch.booking b FULL JOIN dispatch.assignment a ON a.booking_id = b.id
WHERE (b.state = 'assigned') <> (a.booking_id IS NOT NULL) OR b.id IS NULL
"""
TABLES = sorted(table.name for table in schema.metadata.tables.values() if "company_id" in table.c)
Verdict = dict[str, Any]


@dataclass(frozen=True)
class Planning:
    """The API in this process on a database of its own."""

    api: DispatchApi
    url: str

    async def company_with_a_day(self, name: str, seed: int) -> UUID:
        company_id = await self.api.company(name)
        day = generate_day(Demand(bookings=BOOKINGS, duties=DUTIES, day=DAY), seed)
        async with self.api.ports.database.transaction(OWNER) as session:
            await store_day(session, company_id, day)
        return company_id

    async def request_run(self, company_id: UUID) -> str:
        async with self.api.client(company_id) as client:
            wanted = {"date": str(DAY), "iterations": 5}
            answer = await client.post("/v1/dispatch-runs", json=wanted)
        answer.raise_for_status()
        return str(answer.json()["id"])

    async def rows(self, query: str, *parameters: Any) -> list[Any]:
        connection = await asyncpg.connect(self.url)
        try:
            return list(await connection.fetch(query, *parameters))
        finally:
            await connection.close()


@asynccontextmanager
async def planning(servers: Servers) -> AsyncIterator[Planning]:
    url = await create_database(servers.url(), TEMPLATE)
    settings = DispatchSettings(
        _env_file=None, DATABASE_URL=url, patient_key=PATIENT_KEY, database_pool_size=5
    )
    issuer = TokenSigner()
    async with make_ports(settings, jwks=issuer.jwks()) as ports:
        api = DispatchApi(create_app(settings, ports), ports, SystemClock(), issuer)  # type: ignore[arg-type] # it never advances this clock
        yield Planning(api, url)


async def version_check_off(
    servers: Servers, launcher: Launcher, name: str, seed: int, *, broken: bool = True
) -> Verdict:
    """Two runs plan one day at once, and the second commit does not look at versions."""
    del launcher
    async with planning(servers) as own:
        company_id = await own.company_with_a_day(name, seed)
        for _ in range(2):
            await own.request_run(company_id)
        workers = [worker_of(own.api.ports) for _ in range(2)]
        if broken:
            with patch.object(PlanCommit, "_hold", _hold_without_looking):
                await asyncio.gather(*(worker.work_once() for worker in workers))
        else:
            await asyncio.gather(*(worker.work_once() for worker in workers))
        versions = [row[0] for row in await own.rows(PLANS)]
        astray = (await own.rows(ASTRAY))[0][0]
    found = []
    if versions != [1, 2]:
        found.append(f"plans were committed as versions {versions}, not 1 and 2")
    if astray:
        found.append(f"{astray} bookings and assignments do not fit together")
    return {"caught": bool(found), "broken": found}


async def _hold_without_looking(self: PlanCommit, plan: Any, basis: Any) -> None:
    del basis
    await self._plans.lock(plan.company_id, plan.day)


async def policy_off(
    servers: Servers, launcher: Launcher, name: str, seed: int, *, broken: bool = True
) -> Verdict:
    """One company looks for another's rows in every table, one of which has no policy any more."""
    del launcher
    async with planning(servers) as own:
        first = await own.company_with_a_day(f"{name} one", seed)
        second = await own.company_with_a_day(f"{name} two", seed + 1)
        filled = await _tables_with_rows_of(own, second)
        if broken:
            table = filled[seed % len(filled)]
            await own.rows(f"ALTER TABLE dispatch.{table} DISABLE ROW LEVEL SECURITY")
        found = []
        for table in filled:
            foreign = sa.text(f"SELECT count(*) FROM dispatch.{table} WHERE company_id <> :own")  # noqa: S608 (names of our own tables)
            async with own.api.ports.database.transaction(of_company(first)) as session:
                if leaked := await session.scalar(foreign, {"own": first}):
                    found.append(f"{leaked} foreign rows of {table} can be read")
    return {"caught": bool(found), "broken": found}


async def _tables_with_rows_of(own: Planning, company_id: UUID) -> list[str]:
    """Those that the application may read at all."""
    found = []
    for table in TABLES:
        count = f"SELECT count(*) FROM dispatch.{table} WHERE company_id = $1"  # noqa: S608 (as above)
        may = f"SELECT has_table_privilege('atmr_dispatch_app', 'dispatch.{table}', 'SELECT')"
        if (await own.rows(count, company_id))[0][0] and (await own.rows(may))[0][0]:
            found.append(table)
    return found


async def plan_cut_short(servers: Servers, times: int) -> Verdict:
    """A worker is killed amid a plan's rows, `times` times; then one that is not finishes."""
    folder = servers.folder / "runs" / "plan"
    folder.mkdir(parents=True)
    found = []
    async with planning(servers) as own:
        company_id = await own.company_with_a_day("SYNTHETIC plan", 1)
        run_id = UUID(await own.request_run(company_id))

        def environment(life: int) -> dict[str, str]:
            armed = {"ATMR_CRASH_AT": "plan.between_rows"} if life < times else {}
            return armed | _alone(servers, own.url)

        worker = Supervised("worker", "chaos.worker_process", Plain(), environment, folder)
        before = await own.rows(HALF)
        worker.begin()
        try:
            for number in range(1, times + 1):
                await _until(lambda number=number: len(worker.ends) >= number)
                if await own.rows(HALF) != before:
                    found.append(f"half a plan stayed after kill {number}")
                await own.rows("UPDATE dispatch.dispatch_run SET lease_until = now()")
            await _until_completed(own, run_id)
        finally:
            await worker.stop()
        if (await own.rows(ASTRAY))[0][0] or [row[0] for row in await own.rows(PLANS)] != [1]:
            found.append("the plan is not whole after the last worker")
    hits = crash_hits(worker.ends)
    if hits.get("plan.between_rows", 0) < times:
        found.append(f"the crash point was reached {hits} times")
    return {"hits": hits, "broken": found}


async def _until_completed(own: Planning, run_id: UUID) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            rows = await own.rows("SELECT state FROM dispatch.dispatch_run WHERE id = $1", run_id)
            if rows[0][0] == "completed":
                return
            await asyncio.sleep(0.1)


async def _until(holds: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 (a process ends)
            await asyncio.sleep(0.05)


async def migration_cut_short(servers: Servers, times: int) -> Verdict:
    """`atmr migrate` is killed midway `times` times, and then does its work."""
    url = await create_database(servers.url())
    found, hits = [], 0
    for number in range(1, times + 1):
        code = await _migrate(servers, url, "migration.mid")
        hits += code == -signal.SIGKILL
        missing = await pending(url, package="dispatch_api", schema="dispatch")
        if missing is None or "is at None" not in missing:
            found.append(f"after kill {number} the schema is not as it was: {missing}")
    if await _migrate(servers, url, "") or await pending(
        url, package="dispatch_api", schema="dispatch"
    ):
        found.append("the migration does not run again")
    if hits < times:
        found.append(f"killed {hits} times only")
    return {"hits": {"migration.mid": hits}, "broken": found}


async def _migrate(servers: Servers, url: str, crash_at: str) -> int:
    environment = os.environ | _alone(servers, url) | {"ATMR_CRASH_AT": crash_at}
    atmr = Path(sys.executable).with_name("atmr")
    process = await asyncio.create_subprocess_exec(
        str(atmr),
        "migrate",
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await process.wait()


def _alone(servers: Servers, url: str) -> dict[str, str]:
    """The environment of a process without Kafka."""
    return {
        "PYTHONPATH": str(TESTS),
        "DATABASE_URL": url,
        "ATMR_AUTH_ISSUER": servers.issuer.name,
        "ATMR_AUTH_JWKS_FILE": str(servers.issuer.jwks_file),
        "ATMR_PATIENT_KEY": PATIENT_KEY,
        "ATMR_ENVIRONMENT": "chaos",
        "ATMR_WORKER_SLOTS": "1",
        "ATMR_SOLVER_SECONDS": "0",
    }
