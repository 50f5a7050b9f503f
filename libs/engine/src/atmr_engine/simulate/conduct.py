"""How drivers and patients behave on the day, whoever plans it."""

from __future__ import annotations

from dataclasses import dataclass

from atmr_engine.kpi import PROMISE_TOLERANCE_S
from atmr_engine.simulate.noise import MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """Rules of the house for a driven day, in seconds.

    Raises:
        ValueError: naming the field that is negative.

    """

    told_later_s: float = PROMISE_TOLERANCE_S
    """A patient is told the planned pickup time plus this: the vehicle may come up to as much early
    and still be on time, so that all of the tolerance is left for delays."""
    ready_early_s: float = PROMISE_TOLERANCE_S
    """A patient boards at the earliest this long before the time that was told."""
    told_slack_s: float = PROMISE_TOLERANCE_S
    """A re-plan keeps a pickup within this much of the time that was told, wherever the vehicle
    can; more than the tolerance of docs/kpi.md lets it move told times, and those are counted."""
    leave_early_s: float = 10 * MINUTE
    """A vehicle leaves so early that it would arrive this long before the planned begin."""
    no_show_wait_s: float = 5 * MINUTE
    """A driver waits this long, from the told time on, before the patient counts as a no-show."""
    will_call_window_s: float = 30 * MINUTE
    """A will-call patient is fetched within this time of being ready."""
    rescue_s: float = 60 * MINUTE
    """Who was told a time, or is ready, and lost the vehicle may be fetched this much late."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not 0.0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be finite and not negative")
