"""The served process stays small: no library of the database or the engine comes with it."""

from __future__ import annotations

import subprocess
import sys

FORBIDDEN = (
    "sqlalchemy",
    "sqlmodel",
    "numba",
    "torch",
    "asyncpg",
    "onnx",
    "atmr_engine",
    "alembic",
)
SERVED = """
import sys
from importlib.metadata import entry_points
(point,) = entry_points(group="atmr.services", name="rl-inference")
point.load()
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def imported_by(program: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.split())


def test_what_is_served_imports_no_database_and_no_solver() -> None:
    imported = imported_by(SERVED)
    assert {"onnxruntime", "fastapi", "rl_inference"} <= imported
    assert not imported & set(FORBIDDEN)
