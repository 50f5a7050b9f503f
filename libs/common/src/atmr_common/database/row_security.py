"""The SQL of row-level security, for revisions: a schema's roles, and what each may do.

The roles cannot log in, own nothing and bypass nothing; the login that the service uses is a
member of each and enters one per transaction (`tenancy.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

ROLES = ("app", "platform", "relay")
COMPANIES = (
    "(SELECT string_to_array(nullif(current_setting('app.company_ids', true), ''), ','))::uuid[]"
)
"""Evaluated once per statement, not once per row."""
ROW = "SELECT, INSERT, UPDATE, DELETE"
APPEND = "SELECT, INSERT"


def create_roles(schema: str) -> Iterator[str]:
    """Roles belong to the whole server, so that another database of it may have made them."""
    for role in ROLES:
        name = f"atmr_{schema}_{role}"
        yield _CREATE_ROLE.format(name=name)
        yield f"GRANT USAGE ON SCHEMA {schema} TO {name}"


def protect(
    schema: str, table: str, *, column: str = "company_id", may: str = ROW
) -> Iterator[str]:
    """Let the application see the rows of its companies, and do what `may` says with them."""
    role = f"atmr_{schema}_app"
    own = f"{column} = ANY ({COMPANIES})"
    yield f"ALTER TABLE {schema}.{table} ENABLE ROW LEVEL SECURITY"
    yield f"CREATE POLICY company ON {schema}.{table} TO {role} USING ({own}) WITH CHECK ({own})"
    yield f"GRANT {may} ON {schema}.{table} TO {role}"


def admit(schema: str, table: str, role: str, *, may: str) -> Iterator[str]:
    """Let `platform` or `relay` do what `may` says with every row of a table."""
    name = f"atmr_{schema}_{role}"
    yield f"ALTER TABLE {schema}.{table} ENABLE ROW LEVEL SECURITY"
    yield f"CREATE POLICY {role} ON {schema}.{table} TO {name} USING (true) WITH CHECK (true)"
    yield f"GRANT {may} ON {schema}.{table} TO {name}"


_CREATE_ROLE = """
DO $$ BEGIN
    BEGIN
        CREATE ROLE {name} NOLOGIN NOINHERIT NOBYPASSRLS;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        GRANT {name} TO CURRENT_USER;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE insufficient_privilege USING MESSAGE = format(
        'the role {name} is missing or not for %s to use; as an administrator: '
        'CREATE ROLE {name} NOLOGIN; GRANT {name} TO %I', current_user, current_user);
END $$
"""
