"""The timetable of a route whose ways or pauses depend on when they come.

The same fixpoint as the reference (schedule.py), for ways by time of day, times out of service and
driving limits, with the rests that driving asks for. Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atmr_engine.arrays import Arrays
from atmr_engine.compiled import compiled, inner
from atmr_engine.departure import HALF, lower_links, lower_rides
from atmr_engine.driving import lay_rests, state_ways
from atmr_engine.layout import LATE, NO_WAIVER, WAIVED, lay_out
from atmr_engine.unsteady import before_aways, leave
from atmr_engine.unsteady_settling import settle_unsteady, works

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from atmr_engine.state import State


@inner
def schedule_unsteady(
    arrays: Arrays, state: State, sequence: NDArray[np.int64], count: int, duty: int
) -> bool:
    """What `schedule` does, for an unsteady duty; the ways in `state.trial` are as they are left.

    A way's time includes a rest before it and the wait for the end of a time out of service.
    """
    row, trial = arrays.duties[duty], state.trial
    for level in range(NO_WAIVER, WAIVED + 1 if arrays.waived else LATE):
        longest_s = row.max_duration_s + (row.duration_excess_s if level == WAIVED else 0.0)
        beyond_s = row.driving_excess_s if level >= LATE else 0.0
        if not settled(arrays, state, sequence, count, duty, level):
            continue
        ends_s = trial[count + 1].time_s
        prefer_early(arrays, trial, count)
        if stay_away(arrays, trial, count, duty):
            found = settle_unsteady(arrays, trial, count, duty, longest_s)
            if not found or trial[count + 1].time_s > ends_s + HALF:
                settled(arrays, state, sequence, count, duty, level)
        move_late(arrays, trial, count, duty)
        if state_ways(arrays, trial, count, duty, beyond_s):
            return True
    return False


@inner
def settled(
    arrays: Arrays, state: State, sequence: NDArray[np.int64], count: int, duty: int, level: int
) -> bool:
    """Lay a route out and put its earliest times into `state.trial`; False where there are none."""
    row = arrays.duties[duty]
    longest_s = row.max_duration_s + (row.duration_excess_s if level == WAIVED else 0.0)
    beyond_s = row.driving_excess_s if level >= LATE else 0.0
    return (
        lay_out(arrays, state, sequence, count, duty, level)
        and lay_rests(arrays, state.trial, count, duty, beyond_s)
        and settle_unsteady(arrays, state.trial, count, duty, longest_s)
    )


@inner
def prefer_early(arrays: Arrays, trial: NDArray[Any], count: int) -> None:
    """Set `late_s` of each stop to the latest begin that costs nothing, or to its settled time."""
    trial[0].late_s = trial[0].high_s
    for k in range(1, count + 1):
        stop = trial[k]
        stop.late_s = min(stop.high_s, max(stop.time_s, stop.due_s))
        if arrays.eager:
            preferred = arrays.nodes[stop.node].prefer_s
            stop.late_s = min(stop.late_s, max(stop.time_s, preferred))


@inner
def stay_away(arrays: Arrays, trial: NDArray[Any], count: int, duty: int) -> bool:
    """Depart as late as the return allows; True where times must be settled again."""
    last = count + 1
    sweep_ways_back(arrays, trial, last, duty)
    for _ in range(last):
        if not lower_rides(trial, last) and not lower_links(trial, last):
            break
        sweep_ways_back(arrays, trial, last, duty)
    if trial[0].late_s <= trial[0].time_s + HALF:
        return False
    trial[0].time_s = trial[0].late_s
    return True


@inner
def sweep_ways_back(arrays: Arrays, trial: NDArray[Any], last: int, duty: int) -> None:
    """Lower `late_s` of all stops so that whoever begins there is in time for the one behind."""
    trial[last].late_s = trial[last].time_s
    for k in range(last - 1, -1, -1):
        stop, after = trial[k], trial[k + 1]
        late = (
            leave(arrays, duty, stop.place, after.place, after.late_s) - stop.rest_s - stop.spent_s
        )
        late = min(late, stop.late_s)
        if k > 0 and works(stop):
            late = before_aways(arrays.aways, arrays.duties[duty], late, stop.spent_s)
        stop.late_s = max(stop.time_s, late)


@compiled
def move_late(arrays: Arrays, trial: NDArray[Any], count: int, duty: int) -> None:
    """Move departure, pickups and breaks as late as drop-offs, return and wishes let them."""
    for k in range(count, -1, -1):
        stop, after = trial[k], trial[k + 1]
        if stop.boarded >= 0:
            continue
        late = (
            leave(arrays, duty, stop.place, after.place, after.time_s) - stop.rest_s - stop.spent_s
        )
        late = min(late, stop.due_s, stop.high_s)
        if arrays.eager and stop.node >= 0:
            late = min(late, arrays.nodes[stop.node].prefer_s)
        if k > 0 and works(stop):
            late = before_aways(arrays.aways, arrays.duties[duty], late, stop.spent_s)
        stop.time_s = max(stop.time_s, late)
