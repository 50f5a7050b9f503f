"""Recurring work: one process does it, each occasion once, and a failure stops nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry
from support.outbox_world import RECURRING, OutboxWorld, until

from atmr_common.database import recurring
from atmr_common.database.engine import Database
from atmr_common.database.recurring import (
    RecurringMetrics,
    RecurringRunner,
    RecurringWork,
    _while_connected,
)
from atmr_common.database.tenancy import PLATFORM

HOUR = timedelta(hours=1)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[OutboxWorld]:
    database = Database(database_url, schema="dispatch")
    yield OutboxWorld(database_url, database)
    await database.aclose()


class Diary:
    """Work that says when it was done, and fails when told to."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.failure: Exception | None = None

    def work(self, name: str, every: timedelta = HOUR) -> RecurringWork:
        async def do() -> None:
            self.entries.append(name)
            if self.failure is not None:
                raise self.failure

        return RecurringWork(name=name, every=every, work=do)


def runner(world: OutboxWorld, *works: RecurringWork) -> RecurringRunner:
    world.registry = CollectorRegistry()
    metrics = RecurringMetrics(world.registry)
    return RecurringRunner(world.url, RECURRING, works, clock=world.clock, metrics=metrics)


async def standing(world: OutboxWorld, name: str) -> dict[str, object]:
    async with world.database.transaction(PLATFORM) as session:
        query = RECURRING.select().where(RECURRING.c.name == name)
        return dict((await session.execute(query)).one()._mapping)


@asynccontextmanager
async def running(*runners: RecurringRunner) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(each.run()) for each in runners]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_work_is_done_when_it_is_due(world: OutboxWorld) -> None:
    diary = Diary()
    both = runner(world, diary.work("hourly"), diary.work("daily", timedelta(days=1)))
    assert await both.run_due() == ["hourly", "daily"]
    assert await both.run_due() == []
    world.clock.advance(HOUR - timedelta(seconds=1))
    assert await both.run_due() == []
    world.clock.advance(timedelta(seconds=1))
    assert await both.run_due() == ["hourly"]


async def test_after_downtime_it_is_caught_up_on_once(world: OutboxWorld) -> None:
    hourly = runner(world, Diary().work("hourly"))
    await hourly.run_due()
    world.clock.advance(timedelta(days=3))
    assert await hourly.run_due() == ["hourly"]
    assert await hourly.run_due() == []


async def test_a_failure_is_recorded_and_stops_nothing(world: OutboxWorld) -> None:
    bad, good = Diary(), Diary()
    bad.failure = ValueError("the disk is full")
    both = runner(world, bad.work("bad"), good.work("good"))
    assert await both.run_due() == ["bad", "good"]
    found = await standing(world, "bad")
    assert (found["last_error"], found["runs"], found["failures"]) == (
        "ValueError: the disk is full",
        1,
        1,
    )
    assert (await standing(world, "good"))["last_error"] is None
    measured = world.registry.get_sample_value
    assert measured("atmr_recurring_failures_total", {"name": "bad"}) == 1
    now = world.clock.now().timestamp()
    success = "atmr_recurring_last_success_timestamp_seconds"
    assert measured(success, {"name": "good"}) == now
    assert measured(success, {"name": "bad"}) is None


async def test_what_failed_is_tried_again_before_its_hour(world: OutboxWorld) -> None:
    diary = Diary()
    diary.failure = OSError("away")
    hourly = runner(world, diary.work("hourly"))
    await hourly.run_due()
    assert await hourly.run_due() == [], "not at once"
    world.clock.advance(recurring.RETRY)
    diary.failure = None
    assert await hourly.run_due() == ["hourly"]
    assert (await standing(world, "hourly"))["last_error"] is None
    world.clock.advance(recurring.RETRY)
    assert await hourly.run_due() == []


async def test_what_a_crash_interrupted_is_done_again_at_once(world: OutboxWorld) -> None:
    started = asyncio.Event()

    async def endless() -> None:
        started.set()
        await asyncio.Event().wait()

    stuck = RecurringWork(name="hourly", every=HOUR, work=endless)
    async with running(runner(world, stuck)):
        await started.wait()
    assert await runner(world, Diary().work("hourly")).run_due() == ["hourly"]


async def test_of_two_runners_one_works_and_the_other_takes_over(
    world: OutboxWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recurring, "POLL_S", 0.02)
    diary = Diary()
    first, second = runner(world, diary.work("hourly")), runner(world, diary.work("hourly"))
    async with running(first, second) as tasks:
        await until(lambda: bool(diary.entries))
        for count in (2, 3):
            world.clock.advance(HOUR)
            await until(lambda count=count: len(diary.entries) == count)  # type: ignore[misc]  # bound now
        tasks[0].cancel()
        await asyncio.gather(tasks[0], return_exceptions=True)
        world.clock.advance(HOUR)
        await until(lambda: len(diary.entries) == 4)
    assert (await standing(world, "hourly"))["runs"] == 4, "each occasion was taken once"


async def test_no_two_processes_do_it_at_once(world: OutboxWorld) -> None:
    busy, go_on = asyncio.Event(), asyncio.Event()
    diary = Diary()

    async def slow() -> None:
        busy.set()
        await go_on.wait()

    slowly = runner(world, RecurringWork(name="hourly", every=HOUR, work=slow))
    working = asyncio.create_task(slowly.run_due())
    await busy.wait()
    world.clock.advance(2 * HOUR)
    assert await runner(world, diary.work("hourly")).run_due() == []
    go_on.set()
    assert await working == ["hourly"]
    assert diary.entries == []


async def test_a_leader_that_loses_its_connection_stops_its_work(world: OutboxWorld) -> None:
    busy, stopped = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        busy.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with running(runner(world, RecurringWork(name="hourly", every=HOUR, work=slow))):
        await busy.wait()
        await world.ask(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'dispatch recurring work' AND datname = current_database()"
        )
        async with asyncio.timeout(5):
            await stopped.wait()


async def test_a_runner_that_is_stopped_as_its_connection_ends_still_stops() -> None:
    class Ending:
        """A connection that ends in the moment in which its runner is cancelled."""

        def __init__(self) -> None:
            self.listeners: list[Callable[[object], None]] = []

        def add_termination_listener(self, listener: Callable[[object], None]) -> None:
            self.listeners.append(listener)

        def remove_termination_listener(self, listener: Callable[[object], None]) -> None:
            self.listeners.remove(listener)

        def is_closed(self) -> bool:
            return True

    connection, busy = Ending(), asyncio.Event()

    async def slow() -> None:
        busy.set()
        await asyncio.Event().wait()

    work = RecurringWork(name="hourly", every=HOUR, work=slow)
    leading = asyncio.create_task(_while_connected(connection, work))
    await busy.wait()
    connection.listeners[0](connection)
    leading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leading


def test_names_are_unique(world: OutboxWorld) -> None:
    with pytest.raises(ValueError, match="one name"):
        runner(world, Diary().work("a"), Diary().work("a"))
