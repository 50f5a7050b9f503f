"""Which of its breaks a duty takes at which break stop: a stop does not say so itself.

Needed where a break may be late: the pairing decides after which window's end it began.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from atmr_engine.plan import StopKind

if TYPE_CHECKING:
    from atmr_engine.plan import PlannedStop, Route
    from atmr_engine.problem import Break, Duty

ROUNDING_S = 1e-3
"""Seconds by which a stop may be shorter than the break, or earlier than its window, and fit."""


class _Pairing(NamedTuple):
    """What is wrong with a pairing, worst first, so that the least tuple is the best one."""

    untaken: int
    misfit_s: float
    late_s: float


def break_lateness_s(duty: Duty, route: Route) -> float:
    """Seconds by which the breaks of `duty` begin after their windows closed, summed.

    Each stop is at most one break and each break at most one stop. Among all such pairings it is
    the one that leaves the fewest breaks without a stop, then misses durations and openings by the
    fewest seconds, then is the least late. A break without a stop is not late.
    """
    stops = [stop for stop in route.stops if stop.kind is StopKind.BREAK]
    if not stops or not duty.breaks:
        return 0.0
    if max(stop.begin_s for stop in stops) <= min(rest.window.close_s for rest in duty.breaks):
        return 0.0
    return _best(duty.breaks, stops).late_s


def _best(breaks: tuple[Break, ...], stops: list[PlannedStop]) -> _Pairing:
    """The best pairing, stop after stop over the sets of breaks that are taken already."""
    best = {0: _Pairing(len(breaks), 0.0, 0.0)}
    for stop in stops:
        following = dict(best)
        for taken, so_far in best.items():
            for index, rest in enumerate(breaks):
                if taken >> index & 1:
                    continue
                paired = _paired(so_far, rest, stop)
                key = taken | 1 << index
                following[key] = min(following.get(key, paired), paired)
        best = following
    return min(best.values())


def _paired(so_far: _Pairing, rest: Break, stop: PlannedStop) -> _Pairing:
    too_short = max(0.0, rest.duration_s - (stop.end_s - stop.begin_s))
    too_early = max(0.0, rest.window.open_s - stop.begin_s)
    misfit_s = too_short + too_early
    return _Pairing(
        so_far.untaken - 1,
        so_far.misfit_s + (misfit_s if misfit_s > ROUNDING_S else 0.0),
        so_far.late_s + max(0.0, stop.begin_s - rest.window.close_s),
    )
