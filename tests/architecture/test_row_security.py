"""The catalogue of a migrated database: who may do what, so that no grant slips in unnoticed.

`test_row_security_proof.py` of a service shows that the policies hold; this shows that every table
has them, that roles can do no more than is written here, and who may act for all companies.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from atmr_common.database.engine import Database
from atmr_common.database.tenancy import OWNER, PLATFORM, RELAY, DatabaseRole, Tenancy, of_company
from atmr_common.web.claims import identity_of
from dispatch_api import tables

ROOT = Path(__file__).parents[2]
SCHEMA = "dispatch"
TENANCIES = "atmr_common.database.tenancy"
ROLES = ("atmr_dispatch_app", "atmr_dispatch_platform", "atmr_dispatch_relay")
OF_NO_COMPANY = {"epoch", "recurring_work"}
ROW = {"SELECT", "INSERT", "UPDATE", "DELETE"}
ONLY_APPENDED = {"access_seal", "decision", "inbox", "patient_access_log"}
APP = {
    "booking_transition": {"SELECT", "INSERT", "UPDATE (reason)"},
    "company": {"SELECT", "UPDATE"},
    "epoch": {"SELECT"},
    "outbox": {"INSERT"},
    **{name: {"SELECT", "INSERT"} for name in ONLY_APPENDED},
}
"""What the application may do where that is not everything with a row of its company."""
PLATFORM_MAY = {
    "company": {"SELECT", "INSERT", "UPDATE"},
    "dispatch_run": {"SELECT", "UPDATE"},
    "epoch": {"SELECT", "INSERT"},
    "idempotency_key": ROW,
    "inbox": {"SELECT", "DELETE"},
    "recurring_work": ROW,
    "usage": {"SELECT", "DELETE"},
}
RELAY_MAY = {
    "outbox": {"SELECT", "DELETE", "UPDATE (refused)"},
    "epoch": {"SELECT"},
}
ACTS_FOR_ALL = {
    "OWNER": {"atmr_common/database/partitions.py"},
    "PLATFORM": {
        "atmr_common/database/recurring.py",
        "atmr_common/database/retention.py",
        "atmr_common/database/session.py",
        "dispatch_api/dispatch/worker_loop.py",
        "dispatch_api/epoch_command.py",
        "dispatch_api/patients/key_versions.py",
    },
    "RELAY": {"atmr_common/database/relay.py"},
}
"""The modules that may step out of one company; a new one is a decision of its own."""

Grants = dict[str, set[str]]


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, schema=SCHEMA)
    yield database
    await database.aclose()


OUR_TABLES = {table.name for table in tables.metadata.tables.values()}
OF_COMPANIES = OUR_TABLES - OF_NO_COMPANY


async def test_every_table_has_row_security_and_its_companys_policy(
    owner: asyncpg.Connection,
) -> None:
    secured = await owner.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'dispatch'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition AND relrowsecurity"
    )
    assert {row["relname"] for row in secured} == OUR_TABLES
    policies = await owner.fetch(
        "SELECT tablename, policyname, permissive, roles, cmd, qual, with_check FROM pg_policies"
        " WHERE schemaname = 'dispatch' AND 'atmr_dispatch_app' = ANY (roles)"
    )
    found = {row["tablename"]: row for row in policies}
    assert len(found) == len(policies), "two policies of a role widen each other"
    assert found.keys() == OF_COMPANIES | {"epoch"}
    for table in OF_COMPANIES:
        policy = found[table]
        key = "id" if table == "company" else "company_id"
        assert (policy["roles"], policy["cmd"]) == (["atmr_dispatch_app"], "ALL"), table
        assert policy["qual"] == policy["with_check"], table
        assert policy["qual"].startswith(f"({key} = ANY ("), table
        assert "app.company_ids" in policy["qual"], table


async def test_no_policy_is_for_everybody(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch("SELECT DISTINCT unnest(roles) AS role FROM pg_policies")
    assert {row["role"] for row in rows} == set(ROLES)


async def grants(owner: asyncpg.Connection, role: str) -> Grants:
    """What a role may do, by table; a right to single columns names them."""
    whole = await owner.fetch(
        "SELECT relname, privilege_type FROM pg_class, aclexplode(relacl)"
        " WHERE relnamespace = 'dispatch'::regnamespace AND grantee = $1::text::regrole",
        role,
    )
    columns = await owner.fetch(
        "SELECT relname, privilege_type || ' (' || attname || ')' FROM pg_attribute"
        " JOIN pg_class ON pg_class.oid = attrelid, aclexplode(attacl)"
        " WHERE relnamespace = 'dispatch'::regnamespace AND grantee = $1::text::regrole",
        role,
    )
    found: defaultdict[str, set[str]] = defaultdict(set)
    for table, privilege in [*whole, *columns]:
        found[table].add(privilege)
    return found


async def test_roles_may_do_what_is_written_here_and_no_more(owner: asyncpg.Connection) -> None:
    app = dict.fromkeys(OF_COMPANIES, ROW) | APP
    assert await grants(owner, "atmr_dispatch_app") == app
    assert await grants(owner, "atmr_dispatch_platform") == PLATFORM_MAY
    assert await grants(owner, "atmr_dispatch_relay") == RELAY_MAY


async def test_the_world_may_do_nothing(owner: asyncpg.Connection) -> None:
    granted = await owner.fetch(
        "SELECT relname FROM pg_class, aclexplode(relacl)"
        " WHERE relnamespace = 'dispatch'::regnamespace AND grantee = 0"
        " UNION ALL SELECT nspname FROM pg_namespace, aclexplode(nspacl)"
        " WHERE nspname = 'dispatch' AND grantee = 0"
    )
    assert granted == []


async def test_nothing_in_the_schema_runs_with_the_owners_rights(
    owner: asyncpg.Connection,
) -> None:
    """Views and SECURITY DEFINER functions would read past the policies."""
    found = await owner.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'dispatch'::regnamespace"
        " AND relkind IN ('v', 'm', 'f') UNION ALL SELECT proname FROM pg_proc"
        " WHERE pronamespace = 'dispatch'::regnamespace AND prosecdef"
    )
    assert found == []


async def test_roles_own_nothing_and_can_neither_log_in_nor_pass_by(
    owner: asyncpg.Connection,
) -> None:
    rows = await owner.fetch("SELECT * FROM pg_roles WHERE rolname = ANY ($1)", list(ROLES))
    rights = ("rolsuper", "rolcanlogin", "rolbypassrls", "rolcreaterole", "rolcreatedb")
    assert len(rows) == len(ROLES)
    assert not [(row["rolname"], right) for row in rows for right in rights if row[right]]
    owned = await owner.fetch(
        "SELECT rolname FROM pg_shdepend JOIN pg_roles ON pg_roles.oid = refobjid"
        " WHERE deptype = 'o' AND rolname = ANY ($1)",
        list(ROLES),
    )
    assert owned == []
    members = await owner.fetch(
        "SELECT a.rolname FROM pg_auth_members JOIN pg_roles a ON a.oid = member"
        " WHERE a.rolname = ANY ($1)",
        list(ROLES),
    )
    assert members == [], "a role within another one would have its rights too"


@pytest.mark.parametrize("tenancy", [of_company(uuid4()), PLATFORM, RELAY])
async def test_any_login_is_only_the_role_while_it_works(
    database: Database, tenancy: Tenancy
) -> None:
    """Also the superuser that tests often log in as; and the role ends with the transaction."""
    query = sa.text("SELECT current_user::text, current_setting('is_superuser')")
    async with database.transaction(tenancy) as session:
        user, superuser = (await session.execute(query)).one()
    assert (user, superuser) == (tenancy.role_name(SCHEMA), "off")
    async with database.transaction(OWNER) as session:
        user, _ = (await session.execute(query)).one()
        left = await session.scalar(sa.text("SELECT current_setting('app.company_ids', true)"))
    assert user not in ROLES
    assert not left


async def test_a_role_without_companies_sees_nothing(
    database: Database, owner: asyncpg.Connection
) -> None:
    await owner.execute(
        "INSERT INTO dispatch.company VALUES"
        " (gen_random_uuid(), 'A', 'Europe/Zurich', 'manual', '{}', 1, now())"
    )
    async with database.transaction(Tenancy(DatabaseRole.APP)) as session:
        assert await session.scalar(sa.text("SELECT count(*) FROM dispatch.company")) == 0
    await owner.execute("SET ROLE atmr_dispatch_app")  # and where nothing was ever set
    assert await owner.fetchval("SELECT count(*) FROM dispatch.company") == 0


async def test_partitions_are_not_reached_past_their_table(owner: asyncpg.Connection) -> None:
    await owner.execute(
        "CREATE TABLE dispatch.decision_p20260101 PARTITION OF dispatch.decision"
        " FOR VALUES FROM ('2026-01-01') TO ('2026-01-02')"
    )
    await owner.execute("SET ROLE atmr_dispatch_app")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.fetch("SELECT * FROM dispatch.decision_p20260101")


@pytest.mark.parametrize("text", ["*", "' OR true --", "00000000-0000-0000-0000-00000000000g", "%"])
async def test_a_company_is_a_uuid_or_nothing(database: Database, text: str) -> None:
    claims = {"sub": "x", "role": "dispatcher", "company_id": text}
    with pytest.raises(ValueError, match=r"UUID|base 16"):
        identity_of(claims)
    forged = Tenancy(DatabaseRole.APP, (text,))  # type: ignore[arg-type]  # what types forbid
    with pytest.raises(DBAPIError, match="invalid input syntax for type uuid"):
        await _count_companies(database, forged)


async def test_two_companies_in_one_id_are_an_error(database: Database) -> None:
    both = f"{{{UUID(int=1)},{UUID(int=2)}}}"
    with pytest.raises(DBAPIError, match="invalid input syntax"):
        await _count_companies(database, Tenancy(DatabaseRole.APP, (both,)))  # type: ignore[arg-type]  # as above


async def _count_companies(database: Database, tenancy: Tenancy) -> None:
    async with database.transaction(tenancy) as session:
        await session.execute(sa.text("SELECT count(*) FROM dispatch.company"))


def modules_naming(name: str) -> set[str]:
    """Modules of src that use one of the tenancies which are no company's."""
    found = set()
    for source in (*ROOT.glob("libs/*/src"), *ROOT.glob("services/*/src")):
        for path in source.rglob("*.py"):
            tree = ast.parse(path.read_text())
            imported = {
                alias.name
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom) and node.module == TENANCIES
                for alias in node.names
            }
            if name in imported or _by_role(tree, name):
                found.add(str(path.relative_to(source)))
    return found - {"atmr_common/database/tenancy.py"}


def _by_role(tree: ast.AST, name: str) -> bool:
    """Whether `DatabaseRole.<name>` or `tenancy.<name>` stands there."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.value, ast.Name)
        and node.value.id in {"DatabaseRole", "tenancy"}
        for node in ast.walk(tree)
    )


@pytest.mark.parametrize("name", ACTS_FOR_ALL)
def test_only_named_modules_act_for_all_companies(name: str) -> None:
    assert modules_naming(name) == ACTS_FOR_ALL[name]
