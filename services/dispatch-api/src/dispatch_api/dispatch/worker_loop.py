"""The worker: claims runs from the database, plans, and commits against what it read.

A `RunRequested` event only nudges it; what waits stands in the database. A worker that dies lets
its lease run out, and another one takes the run over.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import DBAPIError

from atmr_common.bus.port import Message
from atmr_common.contracts.catalogue import RUN
from atmr_common.database.tenancy import PLATFORM
from dispatch_api.dispatch.attempts import attempt_until_ended
from dispatch_api.dispatch.claims import Claim, RunClaims
from dispatch_api.dispatch.errors import LOST
from dispatch_api.dispatch.execution import Execution
from dispatch_api.dispatch.metrics import DispatchMetrics
from dispatch_api.dispatch.slots import Slots
from dispatch_api.dispatch.solving.port import Solver
from dispatch_api.ports import Ports

log = structlog.get_logger(__name__)

PATIENCE_S = 2.0
"""For a database that does not answer when we stop."""


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """How a worker works; `watch_s` bounds how late it notices that a run was cancelled."""

    slots: int
    service_seconds: float
    lease: timedelta = timedelta(seconds=30)
    renew_s: float = 5.0
    watch_s: float = 0.4
    poll_s: float = 1.0

    @property
    def most_of_one(self) -> int:
        """Runs of one company at once: the last slot is another company's."""
        return max(1, self.slots - 1)


class DispatchWorker:
    """Solves as many runs at once as it has slots; several workers share the queue.

    A run whose plan is found gives its slot to the next one and is committed beside it.
    """

    def __init__(
        self, ports: Ports, solver: Solver, options: WorkerOptions, metrics: DispatchMetrics
    ) -> None:
        self._ports = ports
        self._solver = solver
        self._options = options
        self._metrics = metrics
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._nudged = asyncio.Event()
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._slots = Slots(options.slots)
        self._lost: set[UUID] = set()
        metrics.slots.set(options.slots)

    async def run(self) -> None:
        """Work until cancelled; runs that are interrupted go back to the queue."""
        await self._ports.bus.tail([RUN], self._nudge)
        async with self._watched():
            try:
                while True:
                    await self._take_what_fits()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._options.poll_s):
                            await self._nudged.wait()
                    self._nudged.clear()
            finally:
                await self._stop_all()

    async def work_once(self) -> bool:
        """Claim and finish one run; False when none waits."""
        claim = await self._claim()
        if claim is None:
            return False
        async with self._watched():
            try:
                await asyncio.wait({self._begin(claim)})
            finally:
                await self._stop_all()
        return True

    async def _take_what_fits(self) -> None:
        try:
            while self._slots.free:
                claim = await self._claim()
                if claim is None:
                    return
                self._begin(claim)
        except LOST as error:
            log.warning("the worker waits for the database", because=type(error).__name__)
        except Exception:  # a worker outlives whatever went wrong
            log.exception("the worker waits")

    async def _claim(self) -> Claim | None:
        async with self._ports.database.transaction(PLATFORM) as session:
            claims = RunClaims(session, self.name)
            now, options = self._ports.clock.now(), self._options
            return await claims.claim(now, options.lease, most_of_one=options.most_of_one)

    def _begin(self, claim: Claim) -> asyncio.Task[None]:
        task = asyncio.create_task(self._work(claim, self._execution(claim)))
        self._running[claim.run.id] = task
        self._slots.take(claim.run.id)
        self._metrics.running.set(len(self._running))
        return task

    async def _work(self, claim: Claim, execution: Execution) -> None:
        run_id, outcome = claim.run.id, "interrupted"
        try:
            outcome = await attempt_until_ended(execution)
        except asyncio.CancelledError:
            outcome = "lost" if run_id in self._lost else "given_back"
            await self._let_go(execution, give_back=run_id not in self._lost)
        except (DBAPIError, *LOST) as error:
            log.warning("the database went away amid a run", because=type(error).__name__)
        finally:
            self._lost.discard(run_id)
            self._slots.leave(run_id)
            del self._running[run_id]
            self._metrics.running.set(len(self._running))
            self._metrics.runs.labels(outcome=str(outcome)).inc()
            self._nudged.set()

    def _execution(self, claim: Claim) -> Execution:
        return Execution(
            self._ports,
            self._solver,
            claim,
            worker=self.name,
            service_seconds=self._options.service_seconds,
            slots=self._slots.in_turn,
            metrics=self._metrics,
            solved=self._free_slot,
        )

    def _free_slot(self, run_id: UUID) -> None:
        self._slots.solved(run_id)
        self._nudged.set()

    async def _stop_all(self) -> None:
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        """Within the block, leases are renewed, and runs stopped that are not ours any more."""
        ended = asyncio.Event()
        watching = asyncio.create_task(self._watch(ended))
        try:
            yield
        finally:
            ended.set()  # a look that is under way is waited for: its connection goes back whole
            if not (await asyncio.wait({watching}, timeout=PATIENCE_S))[0]:
                watching.cancel()

    async def _watch(self, ended: asyncio.Event) -> None:
        rounds = max(1, round(self._options.renew_s / self._options.watch_s))
        number = 0
        while not ended.is_set():
            try:
                await self._look(renew=number % rounds == 0)
            except LOST as error:
                log.warning("leases cannot be renewed", because=type(error).__name__)
            except Exception:  # a worker outlives whatever went wrong
                log.exception("leases cannot be renewed")
            number += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(self._options.watch_s):
                    await ended.wait()

    async def _look(self, *, renew: bool) -> None:
        """Once: stop what is lost; where it is time, renew the leases and count the queue."""
        held = list(self._running)
        if not held and not renew:
            return
        now = self._ports.clock.now()
        async with self._ports.database.transaction(PLATFORM) as session:
            claims = RunClaims(session, self.name)
            ours = await claims.still_ours(held)
            if renew:
                await self._renew(claims, ours)
                self._metrics.show_queue(await claims.queue(), now)
        for run_id in set(held) - ours:
            self._give_up(run_id)

    async def _renew(self, claims: RunClaims, run_ids: set[UUID]) -> None:
        await claims.renew(run_ids, self._ports.clock.now() + self._options.lease)

    def _give_up(self, run_id: UUID) -> None:
        task = self._running.get(run_id)
        if task is not None:
            log.info("run given up: cancelled or taken over", run_id=str(run_id))
            self._lost.add(run_id)
            task.cancel()

    async def _let_go(self, execution: Execution, *, give_back: bool) -> None:
        try:
            if give_back:
                async with self._ports.database.transaction(PLATFORM) as session:
                    await RunClaims(session, self.name).give_back(execution.run_id)
            await execution.spend()
        except (DBAPIError, *LOST) as error:
            log.warning("a run is not given back, its lease runs out", because=type(error).__name__)

    async def _nudge(self, message: Message) -> None:
        del message
        self._nudged.set()
