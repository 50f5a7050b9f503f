"""Times at which a vehicle is out of service: it stands somewhere, empty, and serves nobody.

It may arrive as such a time begins and leave as it ends. A way that could have waited for the end
is no breach as long as the plan's arrival leaves the time for it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from atmr_engine.checker.legs import legs
from atmr_engine.plan import StopKind
from atmr_engine.rules import Rule, Violation
from atmr_engine.travel import travel_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atmr_engine.checker.case import Case
    from atmr_engine.checker.legs import Leg
    from atmr_engine.problem import TimeWindow

AT_WORK = frozenset({StopKind.PICKUP, StopKind.DROPOFF, StopKind.RESERVE})


class _Spell(NamedTuple):
    """Something that the vehicle does from one moment to another."""

    begin_s: float
    end_s: float
    what: str


_NOTHING = (0.0, _Spell(0.0, 0.0, "stands"))


def out_of_service(case: Case) -> Iterator[Violation]:
    """Breaches of OUT_OF_SERVICE: for each time away what overlaps it most."""
    if not case.duty.out_of_service:
        return
    spells = [*_driving(case), *_at_work(case), *_carrying(case)]
    for away in case.duty.out_of_service:
        excess_s, spell = max(
            ((_overlap_s(spell, away), spell) for spell in spells), default=_NOTHING
        )
        if excess_s > case.tolerance_s:
            message = (
                f"the vehicle {spell.what} from {spell.begin_s:.1f} to {spell.end_s:.1f} s, "
                f"and is out of service from {away.open_s:.1f} to {away.close_s:.1f} s"
            )
            yield case.breach(Rule.OUT_OF_SERVICE, case.duty.id, excess_s, message)


def _overlap_s(spell: _Spell, away: TimeWindow) -> float:
    """By how much the spell would have to move, earlier or later, to miss the time away."""
    return min(spell.end_s - away.open_s, away.close_s - spell.begin_s)


def _at_work(case: Case) -> Iterator[_Spell]:
    for stop in case.route.stops:
        if stop.kind in AT_WORK:
            yield _Spell(stop.begin_s, stop.end_s, f"is at a {stop.kind}")


def _carrying(case: Case) -> Iterator[_Spell]:
    """From each stop that leaves somebody on board until the next one begins."""
    boarded = list(case.riders())
    for (stop, riders), (following, _) in pairwise(boarded):
        if riders:
            names = ", ".join(rider.id for rider in riders)
            yield _Spell(stop.end_s, following.begin_s, f"has {names} on board")


def _driving(case: Case) -> Iterator[_Spell]:
    """The ways, each left at the first moment from which it misses all times away.

    Where the plan's arrival does not leave the time for that, the way is left as soon as free.
    """
    for leg in legs(case):
        if leg.way_s <= 0.0:
            continue
        depart_s = _departure_s(case, leg)
        way_s = _way_s(case, leg, depart_s)
        if depart_s + way_s > leg.stop.arrival_s + case.tolerance_s:
            depart_s, way_s = leg.before.end_s, leg.way_s
        yield _Spell(depart_s, depart_s + way_s, "drives")


def _departure_s(case: Case, leg: Leg) -> float:
    depart_s = leg.before.end_s
    for away in sorted(case.duty.out_of_service, key=lambda window: window.open_s):
        arrive_s = depart_s + _way_s(case, leg, depart_s)
        before = arrive_s <= away.open_s + case.tolerance_s
        after = depart_s >= away.close_s - case.tolerance_s
        if not before and not after:
            depart_s = away.close_s
    return depart_s


def _way_s(case: Case, leg: Leg, depart_s: float) -> float:
    return travel_time(case.problem.travel, leg.before.place, leg.stop.place, depart_s)
