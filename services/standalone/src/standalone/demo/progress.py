"""Tells what the demo does: a moving line on a terminal, plain lines elsewhere.

Always on stderr, so that stdout carries the result alone.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status

__all__ = ["Progress"]


class Progress:
    """Call it with a sentence. On a terminal the latest one moves until `pause()`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None

    def __call__(self, sentence: str) -> None:
        self._console.print(sentence)
        if self._status is not None:
            self._status.update(sentence.strip())

    def pause(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("Starting ...")
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pause()
