"""The reference timetable of a fixed sequence of stops.

Earliest times (settling.py), then the latest departure with the same return (departure.py), then
pickups and breaks as late as drop-offs let them. Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atmr_engine.arrays import Arrays
from atmr_engine.compiled import compiled, inner
from atmr_engine.departure import stay_home
from atmr_engine.layout import LATE, NO_WAIVER, WAIVED, lay_out
from atmr_engine.settling import settle
from atmr_engine.unsteady_timetable import prefer_early, schedule_unsteady

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from atmr_engine.state import State


@compiled
def schedule(
    arrays: Arrays, state: State, sequence: NDArray[np.int64], count: int, duty: int
) -> bool:
    """Put the reference timetable of `sequence[:count]` on `duty` into `state.trial`.

    Positions 1 to `count` of `state.trial` (STOP) are the stops, 0 the start, `count + 1` the end.
    False where no timetable keeps windows, ride times, shift, duration, breaks and links; the
    waivers are used only where there is none without, to be late or long, never to leave before a
    shift or to shorten a break. Loads are not looked at (`profile.loads_fit` does).
    """
    if arrays.duties[duty].unsteady:
        return schedule_unsteady(arrays, state, sequence, count, duty)
    for level in range(NO_WAIVER, WAIVED + 1 if arrays.waived else LATE):
        if not lay_out(arrays, state, sequence, count, duty, level):
            return False
        row = arrays.duties[duty]
        longest = row.max_duration_s + (row.duration_excess_s if level == WAIVED else 0.0)
        if settle(state.trial, count, longest):
            prefer_early(arrays, state.trial, count)
            if stay_home(state.trial, count) and not settle(state.trial, count, longest):
                return False
            depart_late(arrays, state.trial, count)
            return True
    return False


@inner
def depart_late(arrays: Arrays, trial: NDArray[Any], count: int) -> None:
    """Move departure, pickups and breaks as late as drop-offs, return and wishes let them."""
    for k in range(count, -1, -1):
        stop = trial[k]
        if stop.boarded < 0:
            following = trial[k + 1]
            latest = following.time_s - following.travel_s - stop.spent_s
            latest = min(latest, stop.due_s, stop.high_s)
            if arrays.eager and stop.node >= 0:
                latest = min(latest, arrays.nodes[stop.node].prefer_s)
            stop.time_s = max(stop.time_s, latest)
