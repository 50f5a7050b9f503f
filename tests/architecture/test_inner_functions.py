"""What is compiled without a way in from Python is named by compiled functions alone."""

from __future__ import annotations

import ast
from pathlib import Path

ENGINE = Path(__file__).parents[2] / "libs/engine/src/atmr_engine"
INNER = {"inner", "inner_allocating"}
COMPILED = INNER | {"compiled", "allocating", "inlined"}


def is_marked(node: ast.AST, marks: set[str]) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        isinstance(mark, ast.Name) and mark.id in marks for mark in node.decorator_list
    )


def inner_functions(tree: ast.Module) -> set[str]:
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and is_marked(node, INNER)
    }


def visible(tree: ast.Module, inner: dict[str, set[str]]) -> set[str]:
    """The inner functions that a module has or imports by name."""
    imported = {
        name.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
        if name.name in inner.get(node.module or "", set())
    }
    return imported | inner_functions(tree)


def modules(tree: ast.Module, inner: dict[str, set[str]]) -> dict[str, set[str]]:
    """The engine's modules that a module imports whole, with their inner functions."""
    return {
        name.name: inner[f"{node.module}.{name.name}"]
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
        if f"{node.module}.{name.name}" in inner
    }


def used_by_python(tree: ast.Module, inner: dict[str, set[str]]) -> set[str]:
    by_name, by_module = visible(tree, inner), modules(tree, inner)
    parts = [part for node in tree.body if not is_marked(node, COMPILED) for part in ast.walk(node)]
    called = {part.id for part in parts if isinstance(part, ast.Name)} & by_name
    return called | {
        ast.unparse(part)
        for part in parts
        if isinstance(part, ast.Attribute)
        and isinstance(part.value, ast.Name)
        and part.attr in by_module.get(part.value.id, set())
    }


def test_python_calls_no_inner_function() -> None:
    trees = {path: ast.parse(path.read_text()) for path in sorted(ENGINE.rglob("*.py"))}
    inner = {
        ".".join(path.relative_to(ENGINE.parent).with_suffix("").parts): inner_functions(tree)
        for path, tree in trees.items()
    }
    assert sum(map(len, inner.values())) > 50
    assert {
        path.name: used for path, tree in trees.items() if (used := used_by_python(tree, inner))
    } == {}
