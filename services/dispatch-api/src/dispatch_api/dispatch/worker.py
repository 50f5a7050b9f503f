"""The worker: claims runs from the database, plans, and commits against what it read.

A `RunRequested` event only nudges it; what waits stands in the database. A worker that dies lets
its lease run out, and another one takes the run over.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from datetime import timedelta
from socket import gaierror
from uuid import uuid4

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from atmr_common.bus.port import Message
from atmr_common.contracts.catalogue import RUN
from atmr_common.observability.logs import configure_logs
from atmr_common.runtime.service_process import run_service, settings_of_service
from atmr_engine.warmup import warmup
from dispatch_api.composition import make_ports
from dispatch_api.dispatch.execution import Execution, RunLostError
from dispatch_api.dispatch.repository import DispatchRunRepository
from dispatch_api.dispatch.schemas import DispatchRun
from dispatch_api.plans.domain import DayChangedError
from dispatch_api.ports import Ports
from dispatch_api.settings import DispatchSettings

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
RENEW_S = 1.0
POLL_S = 1.0
LOST = (OperationalError, InterfaceError, ConnectionError, TimeoutError, gaierror)
"""How a database that is away shows."""
MAX_ATTEMPTS = 8
MAX_DETAIL = 300
RETRIED_STATES = frozenset({"40001", "40P01", "23503"})
"""Serialisation failure, deadlock, and a row that a plan refers to but that was deleted."""


class DispatchWorker:
    """Works on one run after the other; several workers share the queue."""

    def __init__(self, ports: Ports, *, solver_seconds: float) -> None:
        self._ports = ports
        self._solver_seconds = solver_seconds
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._nudged = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled; a run that is interrupted goes back to the queue."""
        await asyncio.to_thread(warmup)
        await self._ports.bus.subscribe([RUN], f"dispatch-worker:{self.name}", self._nudge)
        while True:
            try:
                worked = await self.work_once()
            except LOST as error:
                log.warning("the worker waits for the database", because=type(error).__name__)
                worked = False
            except Exception:  # a worker outlives whatever went wrong
                log.exception("the worker waits")
                worked = False
            if not worked:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._nudged.wait()
                self._nudged.clear()

    async def work_once(self) -> bool:
        """Claim and finish one run; False when none waits."""
        async with self._ports.database.transaction() as session:
            now = self._ports.clock.now()
            claimed = await DispatchRunRepository(session).claim(self.name, now, LEASE)
        if claimed is None:
            return False
        company_id, run = claimed
        execution = Execution(self._ports, company_id, run, self.name, self._solver_seconds)
        await self._while_owned(run, asyncio.create_task(self._attempts(execution, run)))
        return True

    async def _while_owned(self, run: DispatchRun, work: asyncio.Task[None]) -> None:
        """Wait for `work`, renewing the lease; stop it when the run is not ours any more."""
        try:
            while not (await asyncio.wait({work}, timeout=RENEW_S))[0]:
                if not await self._renew(run):
                    work.cancel()
            with suppress(asyncio.CancelledError):
                await work
        except asyncio.CancelledError:
            work.cancel()
            await self._give_back(run)
            raise

    async def _attempts(self, execution: Execution, run: DispatchRun) -> None:
        try:
            for number in range(MAX_ATTEMPTS):
                if await self._attempt(execution, run, number):
                    return
            await execution.fail("day_changed", f"during each of {MAX_ATTEMPTS} attempts")
        except RunLostError as lost:
            log.info("run given up", run_id=str(run.id), because=str(lost))
        except Exception as error:
            log.exception("run failed", run_id=str(run.id))
            with suppress(RunLostError):
                detail = str(error).partition("\n")[0][:MAX_DETAIL]
                await execution.fail(type(error).__name__, detail)

    async def _attempt(self, execution: Execution, run: DispatchRun, number: int) -> bool:
        """True when the run has ended; False when the day changed and it must begin again."""
        try:
            await execution.attempt(number)
        except DayChangedError as change:
            log.info("run begins again", run_id=str(run.id), because=str(change))
            return False
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in RETRIED_STATES:
                raise
            log.info("run begins again", run_id=str(run.id), because=type(error).__name__)
            return False
        return True

    async def _renew(self, run: DispatchRun) -> bool:
        async with self._ports.database.transaction() as session:
            until = self._ports.clock.now() + LEASE
            return await DispatchRunRepository(session).renew(run.id, self.name, until)

    async def _give_back(self, run: DispatchRun) -> None:
        async with self._ports.database.transaction() as session:
            await DispatchRunRepository(session).give_back(run.id, self.name)

    async def _nudge(self, message: Message) -> None:
        del message
        self._nudged.set()


def serve() -> None:
    """`atmr serve dispatch-worker`."""
    settings = settings_of_service(DispatchSettings)
    configure_logs(settings.log_level, settings.log_format)
    run_service(_serve(settings))


async def _serve(settings: DispatchSettings) -> None:
    async with make_ports(settings) as ports:
        await DispatchWorker(ports, solver_seconds=settings.solver_seconds).run()
