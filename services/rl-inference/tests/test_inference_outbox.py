"""Answers that became ready together are written together, and one that fails stops no other."""

from __future__ import annotations

import asyncio
from typing import Any

from rl_inference.doors.outbox import Outbox


class Noted:
    """A letter that tells what happens to it."""

    def __init__(self, name: str, log: list[str], *, fails: bool = False) -> None:
        self._name, self._log, self._fails = name, log, fails

    def deliver(self) -> None:
        if self._fails:
            raise OSError(self._name)
        self._log.append(f"{self._name} written")

    def delivered(self) -> None:
        self._log.append(f"{self._name} done")


async def test_all_are_written_before_any_is_done_with() -> None:
    outbox, log = Outbox(), list[str]()
    for name in "ab":
        outbox.add(Noted(name, log))
    assert not log
    await asyncio.sleep(0)
    assert log == ["a written", "b written", "a done", "b done"]


async def test_one_that_fails_is_reported_and_holds_back_nobody() -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    outbox, log = Outbox(), list[str]()
    outbox.add(Noted("a", log, fails=True))
    outbox.add(Noted("b", log))
    await asyncio.sleep(0)
    assert log == ["b written", "a done", "b done"]
    assert [str(each["exception"]) for each in reported] == ["a"]


async def test_what_comes_later_is_written_later() -> None:
    outbox, log = Outbox(), list[str]()
    outbox.add(Noted("a", log))
    await asyncio.sleep(0)
    outbox.add(Noted("b", log))
    await asyncio.sleep(0)
    assert log == ["a written", "a done", "b written", "b done"]


async def test_what_a_tick_tells_is_written_when_it_is_over() -> None:
    outbox, log = Outbox(), list[str]()
    outbox.hold()
    outbox.add(Noted("a", log))
    await asyncio.sleep(0)
    assert not log
    outbox.release()
    assert log == ["a written", "a done"]


async def test_who_was_refused_does_not_wait_for_a_tick() -> None:
    outbox, log = Outbox(), list[str]()
    outbox.add(Noted("refused", log))
    outbox.hold()
    assert log == ["refused written", "refused done"]
