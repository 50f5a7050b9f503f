"""The shortest working time of a settled timetable: the return stays, the departure moves late.

With all times the earliest ones, a vehicle drives to its first stop at once and waits later on. The
latest times under which it still returns at the same moment say how long it can stay at home; what
it waited for in between it then waits less. Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atmr_engine.arrays import TOLERANCE
from atmr_engine.compiled import inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

HALF = TOLERANCE / 2


@inner
def sweep_back(rows: NDArray[Any], last: int) -> None:
    """Lower `late_s` of all stops so that whoever begins there is in time for the one behind.

    `late_s` never sinks below the settled time. The rows are DRAFT or STOP.
    """
    rows[last].late_s = rows[last].time_s
    for k in range(last - 1, -1, -1):
        row, after = rows[k], rows[k + 1]
        late = min(row.late_s, after.late_s - after.travel_s - row.spent_s)
        row.late_s = max(row.time_s, late)


@inner
def lower_rides(rows: NDArray[Any], last: int) -> bool:
    """Lower `late_s` of drop-offs to what the ride allows; whether any moved."""
    lowered = False
    for k in range(1, last):
        row = rows[k]
        if row.boarded >= 0:
            pickup = rows[row.boarded]
            latest = max(row.time_s, pickup.late_s + pickup.spent_s + row.ride_limit_s)
            if row.late_s > latest + HALF:
                row.late_s, lowered = latest, True
    return lowered


@inner
def stay_longer(rows: NDArray[Any], last: int) -> bool:
    """Depart as late as the return allows; True where the times behind must be settled again.

    `late_s` of each row holds the latest begin that is wanted there, and is lowered.
    """
    sweep_back(rows, last)
    for _ in range(last):
        if not lower_rides(rows, last):
            break
        sweep_back(rows, last)
    if rows[0].late_s <= rows[0].time_s + HALF:
        return False
    rows[0].time_s = rows[0].late_s
    return True


@inner
def stay_home(trial: NDArray[Any], count: int) -> bool:
    """Depart as late as the return allows; True where times must be settled again.

    The same as `departure.stay_longer`, with linked legs of one route.
    """
    last = count + 1
    sweep_back(trial, last)
    for _ in range(last):
        if not lower_rides(trial, last) and not lower_links(trial, last):
            break
        sweep_back(trial, last)
    if trial[0].late_s <= trial[0].time_s + HALF:
        return False
    trial[0].time_s = trial[0].late_s
    return True


@inner
def lower_links(trial: NDArray[Any], last: int) -> bool:
    """Lower `late_s` of drop-offs that linked legs of the route wait for; whether any moved."""
    lowered = False
    for k in range(1, last):
        stop = trial[k]
        if stop.linked >= 0:
            before = trial[stop.linked]
            latest = max(before.time_s, stop.late_s - stop.gap_s)
            if before.late_s > latest + HALF:
                before.late_s, lowered = latest, True
    return lowered
