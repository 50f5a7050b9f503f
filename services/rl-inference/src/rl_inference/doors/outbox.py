"""Writes the answers of a batch one right after the other.

A client that sleeps is woken by the first and finds the others when it looks; answers that come
apart wake it for each, which costs the server more than to write them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol


class Letter(Protocol):
    """An answer that is ready."""

    def deliver(self) -> None:
        """Write it."""

    def delivered(self) -> None:
        """What is left to do when all are written."""


class Outbox:
    """Holds what became ready in this turn of the loop until its batches are done, or the next."""

    __slots__ = ("_held", "_letters")

    def __init__(self) -> None:
        self._letters: list[Letter] = []
        self._held = False

    def add(self, letter: Letter) -> None:
        """Send it with the others."""
        if not (self._letters or self._held):
            asyncio.get_running_loop().call_soon(self._send)
        self._letters.append(letter)

    def hold(self) -> None:
        """The loop is about to be kept for a while: who is refused need not wait for that."""
        self._send()
        self._held = True

    def release(self) -> None:
        """All that could be computed now has been."""
        self._held = False
        self._send()

    def _send(self) -> None:
        letters, self._letters = self._letters, []
        for letter in letters:
            _done(letter.deliver)
        for letter in letters:
            _done(letter.delivered)


def _done(step: Callable[[], None]) -> None:
    """One that fails is the loop's to report, and does not hold back the others."""
    try:
        step()
    except Exception as error:  # noqa: BLE001 (as said)
        asyncio.get_running_loop().call_exception_handler(
            {"message": "an answer could not be written", "exception": error}
        )
