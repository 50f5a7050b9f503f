"""Expand, then contract: a revision may take nothing away that the release before still uses.

The exception says so: the docstring of a revision that contracts starts with `contract:`, and it
belongs to a release after the one whose code stopped using what it removes (docs/migrations.md).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REVISIONS = sorted(ROOT.glob("services/*/src/*/migrations/versions/*.py"))
REMOVING = {
    "drop_column",
    "drop_constraint",
    "drop_table",
    "rename_table",
    "create_check_constraint",
    "create_exclude_constraint",
    "create_foreign_key",
    "create_unique_constraint",
}
"""What old code may break on: things that are gone, renamed, or newly forbidden."""
NARROWING = {"new_column_name", "type_"}
SQL = re.compile(
    r"\b(DROP\s+(?!POLICY|NOT)|RENAME|SET\s+NOT\s+NULL|TRUNCATE|REVOKE"
    r"|ALTER\s+COLUMN\s+\S+\s+(SET\s+DATA\s+)?TYPE)",
    re.IGNORECASE,
)


def offences(source: str) -> list[str]:
    """What of `upgrade` the release before could stumble over, by line."""
    module = ast.parse(source)
    if (ast.get_docstring(module) or "").startswith("contract:"):
        return []
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    ahead = [function for function in functions if not _goes_back(function.name)]
    calls = [node for each in ahead for node in ast.walk(each) if isinstance(node, ast.Call)]
    return [f"line {call.lineno}: {what}" for call in calls for what in _offences_of(call)]


def _goes_back(name: str) -> bool:
    return name == "downgrade" or name.startswith("un")


def _offences_of(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    given = {each.arg: each.value for each in call.keywords}
    if name in REMOVING:
        yield name
    if name == "alter_column":
        yield from (f"alter_column {each}" for each in NARROWING & given.keys())
        if _is(given.get("nullable"), value=False):
            yield "alter_column nullable=False"
    if name == "add_column":
        yield from _new_column(call)
    if name == "execute":
        yield from (found[0] for found in SQL.finditer(ast.unparse(call)))


def _new_column(call: ast.Call) -> Iterator[str]:
    column = next(node for node in call.args if isinstance(node, ast.Call))
    given = {each.arg: each.value for each in column.keywords}
    filled = "server_default" in given or any(
        isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("Computed", "Identity"))
        for node in column.args
    )
    if _is(given.get("nullable"), value=False) and not filled:
        yield "add_column without a default, not nullable"


def _is(node: ast.expr | None, *, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def test_there_are_revisions() -> None:
    assert len(REVISIONS) >= 2


@pytest.mark.parametrize("path", REVISIONS, ids=lambda path: path.name)
def test_a_revision_only_adds(path: Path) -> None:
    assert offences(path.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        'op.drop_column("outbox", "key", schema="dispatch")',
        'op.rename_table("outbox", "letters")',
        'op.alter_column("outbox", "key", nullable=False)',
        'op.alter_column("outbox", "key", new_column_name="subject")',
        'op.add_column("outbox", sa.Column("reason", sa.Text(), nullable=False))',
        'op.execute("ALTER TABLE dispatch.outbox DROP COLUMN key")',
        'op.execute("ALTER TABLE dispatch.outbox ALTER COLUMN key SET NOT NULL")',
        'op.create_unique_constraint("uq", "outbox", ["key"])',
    ],
)
def test_what_takes_away_is_found(line: str) -> None:
    assert offences(f'"""a change"""\ndef upgrade() -> None:\n    {line}\n')
    assert not offences(f'"""contract: a change"""\ndef upgrade() -> None:\n    {line}\n')
    assert not offences(f'"""a change"""\ndef downgrade() -> None:\n    {line}\n')


@pytest.mark.parametrize(
    "line",
    [
        'op.add_column("outbox", sa.Column("reason", sa.Text(), nullable=True))',
        'op.add_column("o", sa.Column("n", sa.Text(), server_default="", nullable=False))',
        'op.alter_column("outbox", "key", nullable=True)',
        'op.execute("GRANT SELECT ON dispatch.outbox TO atmr_dispatch_relay")',
    ],
)
def test_what_adds_is_allowed(line: str) -> None:
    assert not offences(f'"""a change"""\ndef upgrade() -> None:\n    {line}\n')
