"""Capacity in reserve: a block on a duty that could carry what it is for, with nobody on board."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from atmr_engine.checker.case import YES_OR_NO, Case
from atmr_engine.checker.route_rules import fitness, places_over
from atmr_engine.plan import StopKind
from atmr_engine.rules import Rule, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atmr_engine.plan import Plan, PlannedStop
    from atmr_engine.problem import Problem, Reserve


def kept_or_named(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Each reserve is kept once, or is listed as unreserved once (COVERAGE)."""
    kept = Counter(
        stop.reserve or ""
        for route in plan.routes
        for stop in route.stops
        if stop.kind is StopKind.RESERVE
    )
    unreserved = Counter(plan.unreserved)
    known = [reserve.id for reserve in problem.reserves]
    for reserve in known:
        counts = (kept[reserve], unreserved[reserve])
        if counts not in {(1, 0), (0, 1)}:
            message = f"kept {counts[0]} times, listed as unreserved {counts[1]} times"
            yield _breach(reserve, message)
    for stranger in sorted({*kept, *unreserved} - set(known)):
        yield _breach(stranger, "the problem has no such reserve")


def _breach(reserve: str, message: str) -> Violation:
    return Violation(
        rule=Rule.COVERAGE, subject=reserve, duty=None, excess=YES_OR_NO, message=message
    )


def reserves(case: Case) -> Iterator[Violation]:
    """Breaches of RESERVE, and of CAPACITY, SKILLS, EQUIPMENT and CREW by a reserve."""
    if not case.problem.reserves:
        return
    by_id = {reserve.id: reserve for reserve in case.problem.reserves}
    for stop, riders in case.riders():
        reserve = by_id.get(stop.reserve or "")
        if stop.kind is not StopKind.RESERVE or reserve is None:
            continue
        if riders:
            message = f"in reserve with {', '.join(rider.id for rider in riders)} on board"
            yield case.breach(Rule.RESERVE, reserve.id, YES_OR_NO, message)
        yield from fitness(case, reserve)
        over = places_over(case.duty.capacity, [reserve])
        if over > 0:
            yield case.breach(Rule.CAPACITY, reserve.id, over, f"{over} places too few for it")
        yield from _block(case, stop, reserve)


def _block(case: Case, stop: PlannedStop, reserve: Reserve) -> Iterator[Violation]:
    """The whole block lies within the window, which is not only where it begins."""
    amounts = {
        "is too short": reserve.duration_s - (stop.end_s - stop.begin_s),
        "begins before its window": reserve.window.open_s - stop.begin_s,
        "ends after its window": stop.begin_s + reserve.duration_s - reserve.window.close_s,
    }
    for what, excess_s in amounts.items():
        if excess_s > case.tolerance_s:
            message = f"the block {what} by {excess_s:.1f} s"
            yield case.breach(Rule.RESERVE, reserve.id, excess_s, message)
