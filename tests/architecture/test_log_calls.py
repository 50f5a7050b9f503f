"""Log calls hand over names and values, so that the log can be redacted by structure.

A value that was put into a sentence cannot be taken out again: the event is a literal, no argument
is an f-string, and an error that anybody may have raised is handed over itself, not its text.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
BROAD = {"Exception", "BaseException", "DBAPIError", "SQLAlchemyError", "PostgresError"}
"""Errors whose message may hold a row of the database or anything else."""


def is_log_call(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LEVELS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"log", "_log", "logger"}
    )


def names_of(node: ast.expr | None) -> set[str]:
    found = ast.walk(node) if node is not None else ()
    return {each.id for each in found if isinstance(each, ast.Name)} | {"" if node else "Exception"}


def broad_errors(tree: ast.AST) -> Iterator[tuple[ast.ExceptHandler, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.name and names_of(node.type) & BROAD:
            yield node, node.name


def texts_of(call: ast.AST, name: str) -> bool:
    """Whether the call writes the text of the variable `name`."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"str", "repr"}
        and any(isinstance(each, ast.Name) and each.id == name for each in node.args)
        for node in ast.walk(call)
    )


def offences(source: str) -> list[int]:
    tree = ast.parse(source)
    calls = [node for node in ast.walk(tree) if is_log_call(node)]
    lines = [
        node.lineno
        for node in calls
        if isinstance(node, ast.Call)
        and (
            not (node.args and isinstance(node.args[0], ast.Constant))
            or any(isinstance(each, ast.JoinedStr) for each in ast.walk(node))
        )
    ]
    lines += [
        call.lineno
        for handler, name in broad_errors(tree)
        for call in ast.walk(handler)
        if isinstance(call, ast.Call) and is_log_call(call) and texts_of(call, name)
    ]
    return sorted(lines)


def test_log_calls_hand_over_values() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted(ROOT.glob("[ls]*/*/src/**/*.py"))
        for line in offences(path.read_text(encoding="utf-8"))
    ]
    assert found == [], f"hand over the value by a name of its own: {found}"


def test_what_is_an_offence() -> None:
    handler = "try:\n    x()\nexcept {}:\n    log.error('failed', because={})\n"
    assert offences("log.info(f'booked {name}')") == [1]
    assert offences("log.info('booked', who=f'{name}')") == [1]
    assert offences("log.info(sentence)") == [1]
    assert offences(handler.format("Exception as error", "str(error)")) == [4]
    assert offences(handler.format("(OSError, DBAPIError) as error", "repr(error)")) == [4]
    assert offences(handler.format("Exception as error", "error")) == []
    assert offences(handler.format("RunLostError as error", "str(error)")) == []
    assert offences("log.info('booked', booking_id=str(booking.id))") == []
