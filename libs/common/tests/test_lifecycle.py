"""Parts start in order, stop in the opposite one, and none holds the others up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from atmr_common.runtime import lifecycle as module
from atmr_common.runtime.lifecycle import Lifecycle, Part, running, stop_in_time, task_part


@pytest.fixture(autouse=True)
def _short_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSING_S", 0.05)


class Recorder:
    """Makes parts that tell what happens to them."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def part(self, name: str) -> Part:
        async def start() -> None:
            self.told.append(f"start {name}")

        async def stop() -> None:
            self.told.append(f"stop {name}")

        return Part(name=name, start=start, stop=stop)

    def hanging(self, name: str, drain_s: float = 0.05) -> Part:
        """A part whose stop ends only when it is hurried."""
        cut = asyncio.Event()

        async def stop() -> None:
            await cut.wait()
            self.told.append(f"cut {name}")

        return Part(name=name, stop=stop, drain_s=drain_s, hurry=cut.set)


async def test_parts_stop_in_the_opposite_order_and_each_step_is_logged() -> None:
    recorder = Recorder()
    with capture_logs() as logged:
        async with running([recorder.part("database"), recorder.part("server")]):
            recorder.told.append("serve")
    assert recorder.told == [
        "start database",
        "start server",
        "serve",
        "stop server",
        "stop database",
    ]
    steps = [(line["event"], line["part"]) for line in logged]
    assert steps == [
        ("part started", "database"),
        ("part started", "server"),
        ("part stopped", "server"),
        ("part stopped", "database"),
    ]
    assert all(line["seconds"] >= 0 for line in logged)


async def test_when_one_does_not_start_those_before_it_are_stopped() -> None:
    recorder = Recorder()

    async def fail() -> None:
        raise RuntimeError("no port")

    broken = Part(name="server", start=fail, stop=fail)
    with pytest.raises(RuntimeError, match="no port"):
        async with running([recorder.part("database"), broken]):
            pytest.fail("it must not serve")
    assert recorder.told == ["start database", "stop database"]


async def test_a_part_that_drains_too_long_is_cut() -> None:
    recorder = Recorder()
    async with running([recorder.part("database"), recorder.hanging("server")]) as lifecycle:
        pass
    assert recorder.told == ["start database", "cut server", "stop database"]
    assert lifecycle.left_behind == []


async def test_a_part_that_cannot_be_cut_is_named_and_left_behind() -> None:
    recorder = Recorder()
    released = asyncio.Event()

    async def stubborn() -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    deaf = Part(name="bus", stop=stubborn, drain_s=0.01)
    with capture_logs() as logged:
        async with running([recorder.part("database"), deaf]) as lifecycle:
            pass
    released.set()
    assert lifecycle.left_behind == ["bus"]
    assert recorder.told[-1] == "stop database"
    assert [line["part"] for line in logged if line["event"] == "part did not stop"] == ["bus"]


async def test_the_deadline_counts_for_all_parts_together() -> None:
    recorder = Recorder()
    parts = [recorder.part("database")]
    parts += [recorder.hanging(f"part {number}", drain_s=60) for number in range(3)]
    began = time.perf_counter()
    async with running(parts, deadline_s=0.1):
        pass
    assert time.perf_counter() - began < 2
    assert recorder.told[-1] == "stop database"
    assert len(recorder.told) == 5


async def test_hurrying_cuts_the_delay_and_what_drains() -> None:
    recorder = Recorder()
    lifecycle = Lifecycle(deadline_s=600, delay_s=300)
    await lifecycle.start(recorder.part("database"))
    await lifecycle.start(recorder.hanging("server", drain_s=600))
    assert await lifecycle.readiness() is None
    stopping = asyncio.create_task(lifecycle.stop())
    await asyncio.sleep(0)
    assert await lifecycle.readiness() == "the process is stopping"
    lifecycle.hurry()
    async with asyncio.timeout(5):
        await stopping
    assert recorder.told == ["start database", "cut server", "stop database"]


async def test_an_error_while_stopping_does_not_keep_the_others_open() -> None:
    recorder = Recorder()

    async def fail() -> None:
        raise ConnectionError("broker is gone")

    with capture_logs() as logged:
        async with running([recorder.part("database"), Part(name="bus", stop=fail)]):
            pass
    assert recorder.told[-1] == "stop database"
    assert "part failed to stop" in {line["event"] for line in logged}


async def test_a_task_works_until_it_is_stopped_and_then_flushes() -> None:
    told: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            told.append("gave back")

    async def flush() -> None:
        told.append("flushed")

    async with running([task_part("worker", work, flush=flush)]):
        await asyncio.sleep(0)
    assert told == ["gave back", "flushed"]


async def test_a_part_that_ends_by_itself_is_noticed() -> None:
    async def work() -> None:
        return

    async def for_ever() -> None:
        await asyncio.Event().wait()

    parts = [task_part("worker", for_ever), task_part("relay", work)]
    async with running(parts) as lifecycle, asyncio.timeout(5):
        assert await lifecycle.a_part_ended() == "relay"


async def test_a_context_is_a_part_too() -> None:
    told: list[str] = []

    @asynccontextmanager
    async def ports() -> AsyncIterator[int]:
        told.append("open")
        yield 7
        told.append("closed")

    lifecycle = Lifecycle()
    assert await lifecycle.enter("ports", ports()) == 7
    await lifecycle.stop()
    assert told == ["open", "closed"]


async def test_what_a_context_closes_is_bounded_and_named_too() -> None:
    never = asyncio.Event()

    async def hang() -> None:
        await never.wait()

    async def close() -> None:
        return

    with capture_logs() as logged:
        await stop_in_time("database", close)
        await stop_in_time("bus", hang, 0.01)
    assert [(line["event"], line["part"]) for line in logged] == [
        ("part stopped", "database"),
        ("part did not stop", "bus"),
    ]
