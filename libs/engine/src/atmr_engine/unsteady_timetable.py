"""The timetable of a route whose ways or pauses depend on when they come.

The same fixpoint as the reference (schedule.py), for ways by time of day, times out of service and
driving limits, with the rests that driving asks for. Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atmr_engine.arrays import NOBODY, TOLERANCE, Arrays
from atmr_engine.compiled import compiled
from atmr_engine.departure import HALF, lower_links, lower_rides
from atmr_engine.layout import LATE, NO_WAIVER, WAIVED, lay_out
from atmr_engine.settling import raise_earlier
from atmr_engine.unsteady import before_aways, leave, longest_way_s, past_aways, reach, way_s

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from atmr_engine.state import State

PATIENCE = 4
"""Times as many pairs of sweeps as a steady route needs at most; then there is no timetable."""


@compiled
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


@compiled
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


@compiled
def lay_rests(arrays: Arrays, trial: NDArray[Any], count: int, duty: int, beyond_s: float) -> bool:
    """Say who is on board, and where driving asks for a rest; False where there can be none.

    The vehicle rests behind the last stop that leaves it empty before the driving would be too
    long, judged by the longest ways of a day.
    """
    row, aboard = arrays.duties[duty], 0
    longest_s = row.rest_after_s + beyond_s + HALF
    stretch_s, since_s, empty = 0.0, 0.0, NOBODY
    for k in range(count + 1):
        stop = trial[k]
        if rests(stop, row):
            stretch_s, empty = 0.0, NOBODY
        elif k > 0 and not stop.pause:
            aboard += -1 if stop.boarded >= 0 else 1
        if aboard == 0 and k > row.committed and stretch_s > 0.0:
            empty, since_s = k, 0.0
        stop.aboard = aboard
        way = longest_way_s(arrays, stop.place, trial[k + 1].place)
        stretch_s, since_s = stretch_s + way, since_s + way
        if stretch_s > longest_s:
            if empty < 0 or since_s > longest_s:
                return False
            trial[empty].rest_s = row.rest_s
            stretch_s, empty = since_s, NOBODY
    return True


@compiled
def rests(stop: Any, duty: Any) -> bool:
    """Whether a stop is a break that begins the driving anew."""
    return bool(stop.rests and stop.spent_s >= duty.rest_s - TOLERANCE)


@compiled
def works(stop: Any) -> bool:
    """Whether the vehicle cannot be out of service there: at a visit or in reserve."""
    return bool(not stop.pause or not stop.rests)


@compiled
def settle_unsteady(
    arrays: Arrays, trial: NDArray[Any], count: int, duty: int, longest_s: float
) -> bool:
    """Raise all times to the least fixpoint; False where there is none."""
    for _ in range(PATIENCE * (count + 3)):
        if not sweep_ways(arrays, trial, count, duty):
            return False
        raised = raise_earlier(trial, count, longest_s)
        carried = raise_carriers(arrays, trial, count, duty)
        if raised < 0 or carried < 0:
            return False
        if raised + carried == 0:
            return True
    return False


@compiled
def sweep_ways(arrays: Arrays, trial: NDArray[Any], count: int, duty: int) -> bool:
    """Nobody arrives before the way is driven, nor before the linked leg has ended."""
    row = arrays.duties[duty]
    for k in range(1, count + 2):
        stop, before = trial[k], trial[k - 1]
        free_s = before.time_s + before.spent_s + before.rest_s
        time = max(stop.time_s, reach(arrays, duty, before.place, stop.place, free_s))
        if stop.linked >= 0:
            if stop.linked >= k:
                return False
            time = max(time, trial[stop.linked].time_s + stop.gap_s)
        if k <= count and works(stop):
            time = past_aways(arrays.aways, row, time, stop.spent_s)
        if time > stop.high_s + TOLERANCE:
            return False
        stop.time_s = time
    return True


@compiled
def raise_carriers(arrays: Arrays, trial: NDArray[Any], count: int, duty: int) -> int:
    """Nobody is on board in a time out of service: 1 if a stop moved, 0 if not, -1 if none can."""
    row, moved = arrays.duties[duty], 0
    for k in range(count - 1, 0, -1):
        stop = trial[k]
        if stop.aboard == 0:
            continue
        for index in range(row.first_away, row.first_away + row.aways):
            opens_s, closes_s = arrays.aways[index, 0], arrays.aways[index, 1]
            ends_s = stop.time_s + stop.spent_s
            if trial[k + 1].time_s > opens_s + HALF and ends_s < closes_s - HALF:
                if closes_s > stop.high_s + TOLERANCE:
                    return -1
                stop.time_s, moved = closes_s, 1
    return moved


@compiled
def prefer_early(arrays: Arrays, trial: NDArray[Any], count: int) -> None:
    """Set `late_s` of each stop to the latest begin that costs nothing, or to its settled time."""
    trial[0].late_s = trial[0].high_s
    for k in range(1, count + 1):
        stop = trial[k]
        stop.late_s = min(stop.high_s, max(stop.time_s, stop.due_s))
        if arrays.eager:
            preferred = arrays.nodes[stop.node].prefer_s
            stop.late_s = min(stop.late_s, max(stop.time_s, preferred))


@compiled
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


@compiled
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


@compiled
def state_ways(arrays: Arrays, trial: NDArray[Any], count: int, duty: int, beyond_s: float) -> bool:
    """Write the ways as they are left into the stops; False where the driving is too long."""
    row, driven_s, stretch_s = arrays.duties[duty], 0.0, 0.0
    for k in range(1, count + 2):
        stop, before = trial[k], trial[k - 1]
        served_s = before.time_s + before.spent_s
        free_s = served_s + before.rest_s
        stop.travel_s = reach(arrays, duty, before.place, stop.place, free_s) - served_s
        if rests(before, row) or before.rest_s > 0.0:
            stretch_s = 0.0
        way = way_s(arrays, before.place, stop.place, free_s)
        driven_s, stretch_s = driven_s + way, stretch_s + way
        if stretch_s > row.rest_after_s + beyond_s + HALF:
            return False
        if k <= count and stop.boarded >= 0:
            pickup = trial[stop.boarded]
            leaves_s = pickup.time_s + pickup.spent_s
            stop.direct_s = way_s(arrays, pickup.place, stop.place, leaves_s)
    return bool(driven_s <= row.max_driving_s + beyond_s + HALF)
