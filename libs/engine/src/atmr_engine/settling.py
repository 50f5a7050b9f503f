"""Earliest times: the least fixpoint of a laid-out route's difference constraints.

Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atmr_engine.arrays import TOLERANCE
from atmr_engine.compiled import inner

if TYPE_CHECKING:
    from numpy.typing import NDArray


@inner
def settle(trial: NDArray[Any], count: int, longest_s: float) -> bool:
    """Raise all times to the least fixpoint; False where there is none.

    Each pair of sweeps that changes anything settles one more backward constraint (ride times and
    the duration), so that more pairs than there are of them mean a cycle that cannot be satisfied.
    """
    for _ in range(count + 3):
        if not sweep_forward(trial, count):
            return False
        raised = raise_earlier(trial, count, longest_s)
        if raised <= 0:
            return raised == 0
    return False


@inner
def sweep_forward(trial: NDArray[Any], count: int) -> bool:
    """Nobody arrives before the way is driven, nor before the linked leg has ended."""
    for k in range(1, count + 2):
        stop = trial[k]
        before = trial[k - 1]
        time = max(stop.time_s, before.time_s + before.spent_s + stop.travel_s)
        if stop.linked >= 0:
            if stop.linked >= k:
                return False
            time = max(time, trial[stop.linked].time_s + stop.gap_s)
        if time > stop.high_s + TOLERANCE:
            return False
        stop.time_s = time
    return True


@inner
def raise_earlier(trial: NDArray[Any], count: int, longest_s: float) -> int:
    """Delay pickups and departure for ride times and duration: 1 changed, 0 not, -1 impossible."""
    changed = 0
    for k in range(count, 0, -1):
        boarded = trial[k].boarded
        if boarded >= 0:
            pickup = trial[boarded]
            needed = trial[k].time_s - trial[k].ride_limit_s - pickup.spent_s
            if needed > pickup.time_s + TOLERANCE:
                if needed > pickup.high_s + TOLERANCE:
                    return -1
                pickup.time_s = needed
                changed = 1
    needed = trial[count + 1].time_s - longest_s
    if needed > trial[0].time_s + TOLERANCE:
        trial[0].time_s = needed
        changed = 1
    return changed
