"""Breaks: a duty that serves anybody takes each of its breaks, in its window, nobody on board.

A BREAK waiver of x seconds lets each break begin x after its window closed, or be x shorter (a
waiver as long as the break lets it fall away). A break stop that is none of the duty's breaks is
one from driving, where the duty has such (`driving_rules` says when): it may be both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.checker.case import YES_OR_NO, Case
from atmr_engine.checker.driving_rules import is_driving_break
from atmr_engine.plan import StopKind
from atmr_engine.rules import Rule, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from atmr_engine.plan import PlannedStop
    from atmr_engine.problem import Break


def breaks(case: Case) -> Iterator[Violation]:
    """Breaches of BREAK."""
    for stop, riders in case.riders():
        if stop.kind is StopKind.BREAK and riders:
            message = f"a break with {', '.join(rider.id for rider in riders)} on board"
            yield case.breach(Rule.BREAK, case.duty.id, YES_OR_NO, message)
    if not any(stop.kind is StopKind.PICKUP for stop in case.route.stops):
        return
    pauses = [stop for stop in case.route.stops if stop.kind is StopKind.BREAK]
    waivable_s = case.leave.get((Rule.BREAK, case.duty.id), 0.0) + case.tolerance_s
    owed = [pause for pause in case.duty.breaks if pause.duration_s > waivable_s]
    short = [stop for stop in pauses if not _is_from_driving(case, stop)]
    if len(short) > len(case.duty.breaks):
        message = f"{len(short)} breaks are planned, the duty has {len(case.duty.breaks)}"
        yield case.breach(Rule.BREAK, case.duty.id, YES_OR_NO, message)
    for missed in _not_taken(case, owed, pauses):
        excess = _excess_s(case, missed, pauses)
        window = f"{missed.window.open_s:.1f} to {missed.window.close_s:.1f} s"
        message = f"a break of {missed.duration_s:.1f} s beginning {window} is not taken"
        yield case.breach(Rule.BREAK, case.duty.id, excess, message)


def _is_from_driving(case: Case, stop: PlannedStop) -> bool:
    rest = case.duty.driving_break
    return rest is not None and is_driving_break(stop, rest, case.tolerance_s)


def _excess_s(case: Case, missed: Break, pauses: Sequence[PlannedStop]) -> float:
    """How far the nearest stop is from being the break, or the whole break where there is none.

    A stop that would do but is another break already counts for nothing.
    """
    waived = case.leave.get((Rule.BREAK, case.duty.id), 0.0)
    misses = [_misses_s(missed, stop) - waived for stop in pauses]
    return min([excess for excess in misses if excess > 0.0] + [missed.duration_s - waived])


def _shortfall_s(pause: Break, stop: PlannedStop) -> float:
    """By how many seconds a stop misses being this break in a way that a waiver can allow."""
    too_short = pause.duration_s - (stop.end_s - stop.begin_s)
    return max(too_short, stop.begin_s - pause.window.close_s)


def _misses_s(pause: Break, stop: PlannedStop) -> float:
    """The same, an early begin included; 0 or less when the stop is this break."""
    return max(_shortfall_s(pause, stop), pause.window.open_s - stop.begin_s)


def _is_taken(case: Case, pause: Break, stop: PlannedStop) -> bool:
    waived = case.leave.get((Rule.BREAK, case.duty.id), 0.0)
    too_early = pause.window.open_s - stop.begin_s > case.tolerance_s
    return not too_early and _shortfall_s(pause, stop) <= waived + case.tolerance_s


def _not_taken(case: Case, owed: Sequence[Break], pauses: Sequence[PlannedStop]) -> Iterator[Break]:
    """The breaks that are left over when as many as possible find a stop of their own.

    A bipartite matching by augmenting paths: two breaks whose windows overlap may be taken in
    either order.
    """
    holder: dict[int, int] = {}

    def seat(which: int, tried: set[int]) -> bool:
        for position, stop in enumerate(pauses):
            if position in tried or not _is_taken(case, owed[which], stop):
                continue
            tried.add(position)
            if position not in holder or seat(holder[position], tried):
                holder[position] = which
                return True
        return False

    for which, pause in enumerate(owed):
        if not seat(which, set()):
            yield pause
