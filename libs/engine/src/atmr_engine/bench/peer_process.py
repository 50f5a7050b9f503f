"""A solver in a process of its own: one thread, its own memory, and an end to waiting.

A crash or an endless search costs one run, is written down as no answer, and the next search
gets a new process. The clock runs inside the process, around the search alone.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from atmr_engine.bench.judging import Routes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from atmr_engine.bench.cases import Case
    from atmr_engine.bench.peers.peer import Peer, PeerSource

ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One search."""

    case: Case
    seconds: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The routes with what they took, or None and why there are none."""

    routes: Routes | None = None
    seconds: float | None = None
    cpu_s: float | None = None
    first_full_plan_s: float | None = None
    error: str = ""


class PeerProcess:
    """Asks one solver one question after the other; a context that ends its process.

    `patience_s` is how much longer than its limit a search may take before it is ended.
    """

    def __init__(self, source: PeerSource, patience_s: float) -> None:
        self._source = source
        self._patience_s = patience_s
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def ask(self, question: Question) -> Answer:
        """The solver's answer, or what became of it."""
        connection = self._connection or self._start()
        limit_s = question.seconds + self._patience_s
        try:
            connection.send(question)
            if not connection.poll(limit_s):
                self._end()
                return Answer(error=f"ended after {limit_s:g} s without an answer")
            answer: Answer = connection.recv()
        except (EOFError, OSError):
            status = self._end()
            return Answer(error=f"its process ended by itself (exit status {status})")
        return answer

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, self._source), daemon=True)
        with _one_thread():
            self._process.start()
        theirs.close()
        return self._connection

    def _end(self) -> int | None:
        if self._process is None or self._connection is None:
            return None
        self._connection.close()
        self._process.join(timeout=1.0)
        self._process.kill()
        self._process.join()
        status = self._process.exitcode
        self._process, self._connection = None, None
        return status


def serve(connection: Connection, source: PeerSource) -> None:
    """What the process does: make the solver ready, then answer until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the asking process decides what an interrupt is
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 (solvers' own logs would tear the table)
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    peer: Peer | None = None
    while True:
        try:
            question: Question = connection.recv()
        except EOFError:
            sys.exit(0)
        try:
            peer = peer or source.load()
            connection.send(answered(peer, question))
        except Exception as error:  # noqa: BLE001 (whatever a solver raises is its result)
            connection.send(Answer(error=f"{type(error).__name__}: {error}"))


def answered(peer: Peer, question: Question) -> Answer:
    """Read and state the instance, then search by the clock."""
    search = peer.state(question.case.read())
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    found = search(question.seconds, question.seed)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    return Answer(
        routes=found.routes,
        seconds=wall_s,
        cpu_s=cpu_s,
        first_full_plan_s=found.first_full_plan_s,
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Libraries look at these when they are loaded, which is in the new process."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
