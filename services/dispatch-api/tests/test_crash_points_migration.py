"""A migration that is killed midway leaves the schema as it was, and runs again."""

from __future__ import annotations

import signal

from support.processes import PATIENCE_S, python_program

from atmr_common.database.migrations import pending, upgrade

MIGRATE = """
import sys
from atmr_common.runtime.command_line import main
sys.argv = ["atmr", "migrate"]
main()
"""


async def test_a_migration_killed_midway_runs_again(empty_database_url: str) -> None:
    armed = {
        "DATABASE_URL": empty_database_url,
        "ATMR_ENVIRONMENT": "chaos",
        "ATMR_CRASH_AT": "migration.mid",
    }
    with python_program(MIGRATE, **armed) as process:
        logged = process.communicate(timeout=PATIENCE_S)[1]
    assert process.returncode == -signal.SIGKILL
    assert "crash point reached" in logged
    missing = await pending(empty_database_url, package="dispatch_api", schema="dispatch")
    assert missing is not None
    assert "is at None" in missing
    await upgrade(empty_database_url, package="dispatch_api", schema="dispatch")
    assert await pending(empty_database_url, package="dispatch_api", schema="dispatch") is None
