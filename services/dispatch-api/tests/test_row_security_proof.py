"""Row-level security alone keeps companies apart, table by table, and its probe can fail.

The probe acts as one company's role on a database with a row of every kind of two companies; with
a table's policy gone, opened or switched off, it has to notice.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from support.dispatch_client import DispatchApi
from support.tenants import Tenant, a_tenant

from atmr_common.database.tenancy import of_company
from dispatch_api import tables
from dispatch_api.schema import SCHEMA
from dispatch_api.settings import DispatchSettings

APP = of_company(UUID(int=1)).role_name(SCHEMA)
TABLES = sorted(
    name
    for name, table in ((table.name, table) for table in tables.metadata.tables.values())
    if "company_id" in table.c or name == "company"
)
UNREADABLE = {"outbox"}
"""Tables that the application writes and never reads."""
OPENINGS = {
    "switched off": "ALTER TABLE dispatch.{table} DISABLE ROW LEVEL SECURITY",
    "opened": "ALTER POLICY company ON dispatch.{table} USING (true) WITH CHECK (true)",
}


@dataclass
class Probe:
    """Acts as the application for one company, beside the rows of another one."""

    connection: asyncpg.Connection
    own: Tenant
    other: Tenant
    rows: dict[str, dict[str, Any]]
    """By table, one row of the other company."""

    async def findings(self, table: str) -> set[str]:
        """What is wrong with the table's protection; the transaction is left as it was."""
        found = set()
        for name, check in (
            ("reads", self._reads),
            ("writes", self._writes),
            ("changes", self._changes),
            ("blind", self._is_blind),
        ):
            step = self.connection.transaction()
            await step.start()
            await self._enter(self.own)
            try:
                if await check(table):
                    found.add(name)
            finally:
                await step.rollback()
        return found

    async def _enter(self, tenant: Tenant) -> None:
        set_both = "SELECT set_config('role', $1, true), set_config('app.company_ids', $2, true)"
        await self.connection.execute(set_both, APP, str(tenant.company_id))

    async def _count(self, table: str, tenant: Tenant) -> int:
        query = f"SELECT count(*) FROM dispatch.{table} WHERE {_key(table)} = $1"  # noqa: S608 (names are ours)
        return int(await self.connection.fetchval(query, tenant.company_id))

    async def _reads(self, table: str) -> bool:
        return table not in UNREADABLE and await self._count(table, self.other) > 0

    async def _is_blind(self, table: str) -> bool:
        """Whether not even own rows are seen, or may be written."""
        if table in UNREADABLE:
            return await self._refuses(table, self.rows[table] | _of(self.own))
        return await self._count(table, self.own) == 0

    async def _writes(self, table: str) -> bool:
        return not await self._refuses(table, self.rows[table])

    async def _refuses(self, table: str, row: dict[str, Any]) -> bool:
        """Whether the row is refused for whose it is; that another one stands there is no such."""
        names = ", ".join(f'"{name}"' for name in row)
        insert = (
            f"INSERT INTO dispatch.{table} ({names})"  # noqa: S608 (names are ours)
            f" SELECT {names} FROM jsonb_populate_record(NULL::dispatch.{table}, $1)"
        )
        step = self.connection.transaction()
        await step.start()
        try:
            await self.connection.execute(insert, json.dumps(row))
        except asyncpg.InsufficientPrivilegeError:
            return True
        except asyncpg.IntegrityConstraintViolationError:
            return False
        finally:
            await step.rollback()
        return False

    async def _changes(self, table: str) -> bool:
        """Whether a statement of the application touches a row of the other company."""
        key = _key(table)
        for statement in (
            f'UPDATE dispatch.{table} SET "{key}" = "{key}" WHERE "{key}" = $1',  # noqa: S608 (names are ours)
            f'DELETE FROM dispatch.{table} WHERE "{key}" = $1',  # noqa: S608 (names are ours)
        ):
            step = self.connection.transaction()
            await step.start()
            try:
                touched = await self.connection.execute(statement, self.other.company_id)
            except (asyncpg.InsufficientPrivilegeError, asyncpg.ForeignKeyViolationError) as error:
                touched = "1" if isinstance(error, asyncpg.ForeignKeyViolationError) else "0"
            finally:
                await step.rollback()
            if not touched.endswith("0"):
                return True
        return False


def _key(table: str) -> str:
    return "id" if table == "company" else "company_id"


def _of(tenant: Tenant) -> dict[str, Any]:
    return {"company_id": str(tenant.company_id)}


@pytest.fixture
async def probe(
    dispatch_api: DispatchApi, dispatch_settings: DispatchSettings
) -> AsyncIterator[Probe]:
    """Within one transaction, so that what is done to policies is taken back."""
    own = await a_tenant(dispatch_api, dispatch_settings)
    other = await a_tenant(dispatch_api, dispatch_settings)
    connection = await asyncpg.connect(dispatch_settings.database_url.get_secret_value())
    transaction = connection.transaction()
    await transaction.start()
    rows = {table: await a_row(connection, table, other) for table in TABLES}
    yield Probe(connection, own, other, rows)
    await transaction.rollback()
    await connection.close()


async def a_row(connection: asyncpg.Connection, table: str, tenant: Tenant) -> dict[str, Any]:
    """A row of the tenant, without columns that the database computes."""
    query = f"SELECT to_jsonb(t) FROM dispatch.{table} t WHERE {_key(table)} = $1 LIMIT 1"  # noqa: S608 (names are ours)
    found = await connection.fetchval(query, tenant.company_id)
    assert found is not None, f"a probe needs a row of {table}; give a_tenant one"
    columns = tables.metadata.tables[f"dispatch.{table}"].c
    computed = {c.name for c in columns if c.computed is not None or c.identity is not None}
    return {name: value for name, value in json.loads(found).items() if name not in computed}


async def test_the_role_reaches_rows_of_its_own_company_only(probe: Probe) -> None:
    found = {table: await probe.findings(table) for table in TABLES}
    assert found == {table: set() for table in TABLES}


@pytest.mark.parametrize("opening", OPENINGS)
async def test_the_probe_notices_each_table_that_is_open(probe: Probe, opening: str) -> None:
    missed = []
    for table in TABLES:
        step = probe.connection.transaction()
        await step.start()
        await probe.connection.execute(OPENINGS[opening].format(table=table))
        found = await probe.findings(table)
        await step.rollback()
        wanted = {"writes"} if table in UNREADABLE else {"reads"}
        if not wanted <= found:
            missed.append((table, found))
    assert missed == []


async def test_a_table_whose_policy_was_dropped_is_closed_and_noticed(probe: Probe) -> None:
    """PostgreSQL refuses everything where no policy admits it."""
    missed = []
    for table in TABLES:
        step = probe.connection.transaction()
        await step.start()
        await probe.connection.execute(f"DROP POLICY company ON dispatch.{table}")
        found = await probe.findings(table)
        await step.rollback()
        if found != {"blind"}:
            missed.append((table, found))
    assert missed == []
