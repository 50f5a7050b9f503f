"""One line per phase, with the seconds since the beginning."""

from __future__ import annotations

import sys
import time


class Progress:
    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def say(self, what: str) -> None:
        sys.stdout.write(f"{self.seconds:7.1f} s  {what}\n")
        sys.stdout.flush()
