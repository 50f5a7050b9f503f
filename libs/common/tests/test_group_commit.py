"""Group commit without a database: what is told to whom, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from atmr_common.database import group_commit
from atmr_common.database.group_commit import GroupCommit, NotWritingError


class Connection:
    """Open until it is closed."""

    def __init__(self) -> None:
        self.closed = False

    def is_closed(self) -> bool:
        return self.closed

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 (asyncpg's name)
        del timeout
        self.closed = True


class Commits:
    """Answers with the items once they are let through."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.through = asyncio.Event()
        self.batches: list[Sequence[int]] = []

    async def __call__(self, connection: Any, items: Sequence[int]) -> Sequence[int]:
        del connection
        self.begun.set()
        await self.through.wait()
        self.batches.append(items)
        return items


@asynccontextmanager
async def running(commits: Commits) -> AsyncIterator[GroupCommit[int, int]]:
    connected = asyncio.Event()

    async def connect() -> Connection:
        connected.set()
        return Connection()

    group: GroupCommit[int, int] = GroupCommit(connect, commits, writers=1)
    task = asyncio.create_task(group.run())
    await connected.wait()
    await asyncio.sleep(0)
    assert group.writing
    yield group
    commits.through.set()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def submitted(group: GroupCommit[int, int], item: int) -> asyncio.Task[int]:
    task = asyncio.create_task(group.submit(item))
    await asyncio.sleep(0)
    return task


async def test_draining_waits_for_what_waits() -> None:
    commits = Commits()
    async with running(commits) as group, asyncio.timeout(5):
        first = await submitted(group, 1)
        await commits.begun.wait()
        second = await submitted(group, 2)
        draining = asyncio.create_task(group.drain())
        await asyncio.sleep(0)
        assert not draining.done()
        commits.through.set()
        await draining
        assert [await first, await second] == [1, 2]


async def test_draining_does_not_wait_for_those_who_left() -> None:
    commits = Commits()
    async with running(commits) as group:
        await submitted(group, 1)
        await commits.begun.wait()
        gone = await submitted(group, 2)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        async with asyncio.timeout(5):
            await group.drain()
        assert commits.batches == []


async def test_a_drain_can_be_given_up() -> None:
    commits = Commits()
    async with running(commits) as group:
        await submitted(group, 1)
        await commits.begun.wait()
        await submitted(group, 2)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await group.drain()


async def test_who_waits_when_the_last_writer_goes_is_told_to_go_elsewhere() -> None:
    commits = Commits()
    async with running(commits) as group:
        first = await submitted(group, 1)
        await commits.begun.wait()
        second = await submitted(group, 2)
    assert await first == 1
    with pytest.raises(NotWritingError):
        await second
    assert commits.batches == [[1]]


FAILURES = [
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
]


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_connection_that_cannot_be_opened_is_tried_again(
    failure: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "REOPEN_S", 0.0)
    failures, connected = [failure("gone"), failure("gone")], asyncio.Event()
    commits = Commits()
    commits.through.set()

    async def connect() -> Connection:
        if failures:
            raise failures.pop()
        connected.set()
        return Connection()

    group: GroupCommit[int, int] = GroupCommit(connect, commits, writers=2)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(group.run())
        await connected.wait()
        await asyncio.sleep(0)
        assert await group.submit(7) == 7
        writing.cancel()
