"""What clients did and were told, one JSON line each as it happens.

A line: `process` (whose), `operation` (one attempt to have one effect, retried under one key),
`kind` (book, hold, resume, cancel), `told` (invoked, acknowledged, failed, unknown), `at`
(monotonic seconds), and what is known: `mark`, `booking_id`, `version`, `attempts`, `statuses`.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

INVOKED, ACKNOWLEDGED, FAILED, UNKNOWN = "invoked", "acknowledged", "failed", "unknown"


class History:
    """Appends; a line is on its way to the disk before anything else happens."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = path.open("a", buffering=1)
        self.acknowledged = 0
        self.bookings = 0
        self.last_acknowledged_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lines.close()

    def tell(self, told: str, **known: Any) -> None:
        at = time.monotonic()
        self._lines.write(json.dumps({"told": told, "at": at, **known}) + "\n")
        if told == ACKNOWLEDGED:
            self.acknowledged += 1
            self.bookings += known["kind"] == "book"
            self.last_acknowledged_at = at


def read(path: Path) -> list[dict[str, Any]]:
    """Every line; a last one that was cut off is left out."""
    lines = path.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]
