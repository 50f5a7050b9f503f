"""A feature of a service is a folder with fixed file names, so that any path can be guessed."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "services" / "dispatch-api" / "src" / "dispatch_api"
FEATURES = sorted(path.parent for path in SERVICE.glob("*/endpoints.py"))


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_there_are_features() -> None:
    names = {feature.name for feature in FEATURES}
    assert {"bookings", "companies", "dispatch", "patients", "plans"} <= names


def test_a_domain_knows_the_standard_library_only() -> None:
    for path in SERVICE.glob("*/domain.py"):
        roots = {module.split(".")[0] for module in imports(path)}
        foreign = {root for root in roots if root not in sys.stdlib_module_names}
        others = {module for module in imports(path) if module.startswith("dispatch_api.")}
        assert foreign <= {"dispatch_api"}, f"{path}: {foreign}"
        assert all(module.endswith((".domain", ".port")) for module in others), f"{path}: {others}"


def test_sql_stays_in_repositories_and_tables() -> None:
    for path in SERVICE.rglob("*.py"):
        if path.stem in {"endpoints", "schemas", "domain"}:
            sql = {m for m in imports(path) if m.split(".")[0] in {"sqlmodel", "sqlalchemy"}}
            assert not sql, f"{path}: {sql}"


def test_the_engine_is_asked_for_no_web_and_no_database() -> None:
    engine = ROOT / "libs" / "engine" / "src"
    banned = {"fastapi", "sqlmodel", "sqlalchemy", "pydantic", "torch", "asyncpg", "httpx"}
    for path in engine.rglob("*.py"):
        found = {module.split(".")[0] for module in imports(path)} & banned
        assert not found, f"{path}: {found}"
