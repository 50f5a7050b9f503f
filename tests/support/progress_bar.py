"""A progress bar on one line of the terminal, with the time that is left."""

from __future__ import annotations

import sys
import time

WIDTH = 30


class ProgressBar:
    """Silent where standard error is no terminal."""

    def __init__(self, total: int, unit: str) -> None:
        self._total, self._unit, self._done = total, unit, 0
        self._began = time.monotonic()
        self._shown = sys.stderr.isatty()

    def advance(self) -> None:
        """One more is done."""
        self.reach(self._done + 1)

    def reach(self, done: int) -> None:
        """So many are done; more than were to be done are as good as all."""
        self._done = min(done, self._total)
        if not self._shown or not self._done:
            return
        spent = time.monotonic() - self._began
        left = spent / self._done * (self._total - self._done)
        filled = WIDTH * self._done // self._total
        bar = "#" * filled + "." * (WIDTH - filled)
        end = "\n" if self._done == self._total else ""
        sys.stderr.write(
            f"\r[{bar}] {self._done} of {self._total} {self._unit}, {left / 60:.0f} min left {end}"
        )
        sys.stderr.flush()
