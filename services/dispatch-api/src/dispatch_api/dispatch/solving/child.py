"""The program of a solver's child process: answers messages on its standard input, one by one.

It ends as soon as its input does, whatever it is doing, so that it never outlives its parent.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Any, TypeVar

from dispatch_api.dispatch.solving.messages import (
    Appraise,
    Construct,
    Done,
    Failed,
    Improve,
    Refused,
    Take,
    read_message,
    write_message,
)

if TYPE_CHECKING:
    from atmr_engine.budget import Budget
    from atmr_engine.problem import Problem

Result = TypeVar("Result")
NICENESS = 10
"""Servers and databases on the same cores come first: a search takes what they leave."""
LONG_S, LOWEST_PRIORITY = 2.0, 19
"""A search longer than this gives way to the short ones of other companies, from its beginning
where its budget says so.
"""
OUT_OF_MEMORY_SCORE = "500"
"""When memory runs out, a child is ended and its run fails, not the worker."""


def main() -> None:
    """Answer until the input ends."""
    answers = _private_output()
    messages: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, messages), daemon=True).start()
    _step_back()
    from atmr_engine.warmup import warmup  # noqa: PLC0415  slow to load, and the input is watched

    warmup()
    write_message(answers, Done())
    desk = Desk()
    while True:
        write_message(answers, desk.answer(messages.get()))


class Desk:
    """Holds the problem at hand."""

    def __init__(self) -> None:
        self._problem: Problem | None = None

    def answer(self, message: object) -> Done | Refused | Failed:
        """What the message asks for, or why not."""
        from atmr_engine.beginning import CommitmentError  # noqa: PLC0415  as above

        try:
            return Done(self._work(message))
        except CommitmentError as error:
            return Refused(error.duty)
        except Exception as error:  # noqa: BLE001  the parent hears of it, and fails the run
            return Failed(type(error).__name__, str(error))

    def _work(self, message: object) -> object:
        from dispatch_api.dispatch.solving import work  # noqa: PLC0415  as above

        if isinstance(message, Take):
            self._problem = message.problem
            return None
        if self._problem is None:
            raise ValueError("there is no problem at hand")
        match message:
            case Construct(seed):
                return work.construct(self._problem, seed)
            case Improve(budget, seed, start):
                problem = self._problem
                return _giving_way(lambda: work.improve(problem, budget, seed, start), budget)
            case Appraise(plan):
                return work.appraise(self._problem, plan)
        raise ValueError(f"{type(message).__name__} is no message for a child")


def _giving_way(search: Callable[[], Result], budget: Budget) -> Result:
    """Search in a thread of its own: a thread's priority can be lowered, but not raised again."""

    def begin() -> Result:
        thread = threading.get_native_id()
        if budget.seconds is not None and budget.seconds > LONG_S:
            _step_far_back(thread)
        timer = threading.Timer(LONG_S, _step_far_back, [thread])
        timer.daemon = True
        timer.start()
        try:
            return search()
        finally:
            timer.cancel()

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(begin).result()


def _step_far_back(thread: int) -> None:
    """Whoever else is ready runs first; the niceness is for systems without such a class."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread, LOWEST_PRIORITY)
        if sys.platform == "linux":
            os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))


def _listen(stream: IO[bytes], messages: SimpleQueue[Any]) -> None:
    """The end of the input is the end of the process, also amid a search."""
    with suppress(EOFError, OSError):
        while True:
            messages.put(read_message(stream))
    os._exit(0)


def _private_output() -> IO[bytes]:
    """What was standard output; a library that prints must not spoil an answer."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _step_back() -> None:
    with suppress(OSError):
        os.nice(NICENESS)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OUT_OF_MEMORY_SCORE)


if __name__ == "__main__":
    main()
