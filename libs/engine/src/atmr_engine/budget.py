"""How long a search may go on: iterations (replayable anywhere), seconds, or both."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Stops at whichever limit comes first; only a budget in iterations alone is deterministic.

    Raises:
        ValueError: for a negative limit, or none at all.

    """

    seconds: float | None = None
    iterations: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is None and self.iterations is None:
            raise ValueError("a budget needs seconds, iterations, or both")
        if (self.seconds or 0) < 0 or (self.iterations or 0) < 0:
            raise ValueError("a budget cannot be negative")
