"""Named places at which a process kills itself, so that tests crash where it hurts most.

Random kills miss most faults; a kill between two steps that belong together finds them. Armed by
`ATMR_CRASH_AT` alone, and only where `ATMR_ENVIRONMENT` says that this is no production.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Mapping
from typing import Self

import structlog

from atmr_common.runtime.service_process import ConfigurationError

log = structlog.get_logger(__name__)

RELAY_PUBLISHED = "relay.published"
RELAY_DELETED = "relay.deleted"
RELAY_MID_BATCH = "relay.mid_batch"
CONSUMER_HANDLED = "consumer.handled"
HTTP_COMMITTED = "http.committed"
PLAN_BETWEEN_ROWS = "plan.between_rows"
MIGRATION_MID = "migration.mid"
MODEL_SWAPPED = "model.swapped"

POINTS: Mapping[str, str] = {
    RELAY_PUBLISHED: "the broker has acknowledged, the rows are not deleted",
    RELAY_DELETED: "the rows are deleted, the deletion is not committed",
    RELAY_MID_BATCH: "half of a batch is sent",
    CONSUMER_HANDLED: "the effect is committed, the offset is not",
    HTTP_COMMITTED: "the change is committed, the client has no answer",
    PLAN_BETWEEN_ROWS: "some rows of a plan are written, others are not",
    MIGRATION_MID: "a revision has run, it is not committed",
    MODEL_SWAPPED: "the new model serves, nobody was told",
}
"""Every point with the moment that it names."""

ENVIRONMENTS = frozenset({"test", "chaos"})
"""The values of ATMR_ENVIRONMENT under which points may be armed; production's is neither."""

Crash = Callable[[str], None]
"""What a part is given: `crash(RELAY_PUBLISHED)` returns, or the process is gone."""


class CrashPoints:
    """Kills its own process with SIGKILL at the armed points; without any it costs one call.

    Example: `CrashPoints.from_setting("relay.published:0.1,http.committed@7", environment="test")`
    kills at every tenth publication and at the first commit, the chances drawn from seed 7.
    """

    def __init__(self, chances: Mapping[str, float] | None = None, *, seed: int = 0) -> None:
        self.chances = dict(chances or {})
        self._random = random.Random(seed)  # noqa: S311 (a seeded experiment, no secret)

    @classmethod
    def from_setting(cls, text: str, *, environment: str) -> Self:
        """Read `point:probability,point2@seed`; a point without a probability always kills.

        Raises:
            ConfigurationError: for an unknown point, for a chance outside (0, 1], and for any point
                in an environment that is not made for crashing.

        """
        if not text.strip():
            return cls()
        if environment not in ENVIRONMENTS:
            raise ConfigurationError(
                f"ATMR_CRASH_AT kills this process on purpose, and ATMR_ENVIRONMENT is "
                f"{environment!r}: remove ATMR_CRASH_AT, or set ATMR_ENVIRONMENT to "
                f"{' or '.join(sorted(ENVIRONMENTS))}."
            )
        points, _, seed = text.partition("@")
        if seed and not seed.strip().isdigit():
            raise ConfigurationError(f"ATMR_CRASH_AT: the seed {seed!r} is not a whole number.")
        armed = cls(dict(map(_chance, points.split(","))), seed=int(seed or 0))
        log.warning("CRASH POINTS ARE ARMED: this process kills itself", chances=armed.chances)
        return armed

    def __call__(self, point: str) -> None:
        """Kill the process here, if `point` is armed and chance wills it."""
        chance = self.chances.get(point)
        if chance is not None and self._random.random() < chance:
            log.warning("crash point reached", point=point)
            os.kill(os.getpid(), signal.SIGKILL)


def _chance(item: str) -> tuple[str, float]:
    point, _, written = item.strip().partition(":")
    if point not in POINTS:
        known = ", ".join(POINTS)
        raise ConfigurationError(f"ATMR_CRASH_AT: there is no point {point!r}; known are {known}.")
    try:
        chance = float(written or 1.0)
    except ValueError:
        chance = 0.0
    if not 0.0 < chance <= 1.0:
        raise ConfigurationError(
            f"ATMR_CRASH_AT: the probability of {point} is {written!r}; write above 0 and up to 1."
        )
    return point, chance
