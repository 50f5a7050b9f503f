"""How often a run is tried: again when the day changed, once more when the solver died."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import StrEnum

import structlog
from sqlalchemy.exc import DBAPIError

from dispatch_api.dispatch.errors import LOST, RunLostError
from dispatch_api.dispatch.execution import Execution
from dispatch_api.dispatch.solving.port import SolverDiedError, SolverError
from dispatch_api.plans.domain import DayChangedError

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 8
MAX_DEATHS = 2
MAX_DETAIL = 300
PAUSE_S = 1.0
"""For a database that is away."""
RETRIED_STATES = frozenset({"40001", "40P01", "55P03", "23503"})
"""Serialisation failure, deadlock, and a row that a plan refers to but that was deleted."""


class RunOutcome(StrEnum):
    """How a run ended at this worker."""

    COMPLETED = "completed"
    FAILED = "failed"
    LOST = "lost"


async def attempt_until_ended(execution: Execution) -> RunOutcome:
    """Try until the run has a plan, has failed, or is not ours any more.

    Raises:
        OperationalError and others of LOST: when the database stays away; the lease will run out.

    """
    try:
        return await _attempts(execution)
    except RunLostError as lost:
        log.info("run given up", run_id=str(execution.run_id), because=str(lost))
        return RunOutcome.LOST
    except Exception as error:
        log.exception("run failed", run_id=str(execution.run_id))
        code = error.code if isinstance(error, SolverError) else type(error).__name__
        return await _fail(execution, code, str(error).partition("\n")[0][:MAX_DETAIL])


async def _attempts(execution: Execution) -> RunOutcome:
    deaths, again = 0, None
    for number in range(MAX_ATTEMPTS):
        try:
            again = await _attempt(execution, number)
        except SolverDiedError as death:
            deaths += 1
            if deaths == MAX_DEATHS:
                raise
            again = str(death)
        if again is None:
            return RunOutcome.COMPLETED
        log.info("run begins again", run_id=str(execution.run_id), because=again)
    return await _fail(execution, "day_changed", f"during each of {MAX_ATTEMPTS} attempts: {again}")


async def _attempt(execution: Execution, number: int) -> str | None:
    """None when the run has ended; else why it must begin again."""
    try:
        await execution.attempt(number)
    except DayChangedError as change:
        return str(change)
    except (DBAPIError, *LOST) as error:
        if isinstance(error, DBAPIError):
            if getattr(error.orig, "sqlstate", None) in RETRIED_STATES:
                return type(error).__name__
            if not (error.connection_invalidated or isinstance(error, LOST)):
                raise
        if number == MAX_ATTEMPTS - 1:
            raise
        await asyncio.sleep(PAUSE_S)
        return f"the database was away ({type(error).__name__})"
    return None


async def _fail(execution: Execution, code: str, detail: str) -> RunOutcome:
    with suppress(RunLostError):
        await execution.fail(code, detail)
        return RunOutcome.FAILED
    return RunOutcome.LOST
