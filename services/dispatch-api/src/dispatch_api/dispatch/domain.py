"""The words of planning: runs and their stages, in the order in which they happen."""

from __future__ import annotations

from enum import StrEnum


class RunMode(StrEnum):
    """What a run may use to find a plan."""

    HEURISTIC = "heuristic"  # construction alone
    SOLVER = "solver"  # construction, then search within the budget
    AUTO = "auto"  # everything that is available; the stages say what ran


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in {RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED}


class Stage(StrEnum):
    """What a run does, one after the other."""

    BUILD = "build"
    TRAVEL = "travel"
    HEURISTIC = "heuristic"
    SOLVER = "solver"
    CHECK = "check"
    COMMIT = "commit"
