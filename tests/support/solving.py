"""Problems for tests of the solver's processes, and what they do to the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import date
from typing import Self

import psutil

from atmr_common.travel.great_circle import GreatCircle
from atmr_common.travel.port import Coordinate
from atmr_engine import Problem, Travel
from atmr_engine.simulate.demand import Demand, generate_day


async def small_problem(bookings: int = 12, duties: int = 3) -> Problem:
    day = generate_day(Demand(bookings=bookings, duties=duties, day=date(2026, 3, 16)), 1)
    matrix = await GreatCircle().matrix([Coordinate(at.lat, at.lon) for at in day.points()])
    return day.problem(Travel(time_s=matrix.time_s, distance_km=matrix.distance_km))


class LoopDelay:
    """The longest time that the event loop did not come round within the block."""

    def __init__(self) -> None:
        self.worst_s = 0.0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._measure())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _measure(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            self.worst_s = max(self.worst_s, time.perf_counter() - before - 0.005)


async def until(holds: Callable[[], bool], patience_s: float = 30) -> None:
    """Returns when it holds; for what other processes do, of which no event tells."""
    async with asyncio.timeout(patience_s):
        while not holds():  # noqa: ASYNC110  nobody sets an event
            await asyncio.sleep(0.005)


async def busy(pid: int) -> None:
    """Returns when the process works: it took 0.2 s of a core since the call."""
    process = psutil.Process(pid)
    enough = cpu_seconds(process) + 0.2
    await until(lambda: cpu_seconds(process) >= enough)


def cpu_seconds(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)
