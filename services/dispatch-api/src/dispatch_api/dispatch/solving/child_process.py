"""A solver's child process as its parent sees it; every call but `kill` blocks its thread."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any, cast

from atmr_engine.beginning import CommitmentError
from dispatch_api.dispatch.solving.messages import Failed, Refused, read_message, write_message
from dispatch_api.dispatch.solving.port import SolverDiedError, SolverFailedError

PROGRAM = (sys.executable, "-m", "dispatch_api.dispatch.solving.child")
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""A child is one core's worth of work; thread pools in each would only take memory."""


class ChildProcess:
    """Starts the program.

    A process group of its own keeps Ctrl-C in a terminal from it. A session of its own would, too,
    but Linux gives each session equal time (autogroups), and the child's niceness would be lost.
    """

    def __init__(self, program: Sequence[str] = PROGRAM) -> None:
        self._process = subprocess.Popen(  # noqa: S603  our own program
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
            env={**dict.fromkeys(ONE_THREAD, "1"), **os.environ},
        )
        self.pid = self._process.pid
        self._input = cast("IO[bytes]", self._process.stdin)
        self._output = cast("IO[bytes]", self._process.stdout)

    def wait_until_ready(self) -> None:
        """Returns when the engine is loaded.

        Raises:
            SolverDiedError: when the process ended before.

        """
        self._answer()

    def ask(self, message: object) -> Any:
        """The result of the work that the message asks for.

        Raises:
            SolverDiedError: when the process ended.
            CommitmentError, SolverFailedError: what the work raised.

        """
        try:
            write_message(self._input, message)
        except OSError:
            raise SolverDiedError(self._how_it_ended()) from None
        return self._answer()

    def kill(self) -> None:
        """Stop whatever it does, without waiting; a call that is under way raises."""
        with suppress(ProcessLookupError):
            self._process.kill()

    def reap(self) -> None:
        """Wait for the end of a process that was killed, and let go of what it held."""
        self._process.wait()
        for pipe in (self._input, self._output):
            with suppress(OSError):
                pipe.close()

    def _answer(self) -> Any:
        try:
            answer = read_message(self._output)
        except (EOFError, OSError):
            raise SolverDiedError(self._how_it_ended()) from None
        match answer:
            case Refused(duty):
                raise CommitmentError(duty)
            case Failed(kind, message):
                raise SolverFailedError(kind, message)
        return answer.result

    def _how_it_ended(self) -> str:
        status = self._process.wait()
        if status >= 0:
            return f"the solver's process ended with status {status}"
        return f"the solver's process was ended by {signal.Signals(-status).name}"
