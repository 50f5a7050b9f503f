"""What a decision may not change: what is under way, who is on board, who was promised a ride."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.checker import check
from atmr_engine.kpi import PROMISE_TOLERANCE_S, ROUNDING_S
from atmr_engine.plan import StopKind
from atmr_engine.simulate.day_state import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from atmr_engine.plan import Plan
    from atmr_engine.simulate.day_state import DayState
    from atmr_engine.simulate.remainder import Remainder


def broken_commitments(state: DayState, rest: Remainder, plan: Plan) -> Iterator[str]:
    """A sentence for each rule or commitment that `plan`, for the rest of the day, would break.

    The checker sees to all rules, and with them to the committed beginnings, those on board and
    the dispatcher's pins; besides, nobody who has a vehicle and was told a time loses it.
    """
    for violation in check(rest.problem, plan):
        yield f"{violation.rule} of {violation.subject}: {violation.message}"
    for name in dropped(state, rest, plan):
        yield f"{name} was told a time and would not be fetched"


def dropped(state: DayState, rest: Remainder, plan: Plan) -> list[str]:
    """Who was told a time, has a vehicle in the present plan and would have none."""
    served = served_by(plan)
    return [r for r in served_by(rest.present) if r in state.told_s and r not in served]


def served_by(plan: Plan) -> dict[str, str]:
    """The duty of each request that the plan serves."""
    return {name: route.duty for route in plan.routes for name in route.requests}


def moved_times(state: DayState, rest: Remainder, plan: Plan) -> list[str]:
    """Who was told a time that the present plan would keep (docs/kpi.md) and this one does not."""
    tolerance_s = PROMISE_TOLERANCE_S + ROUNDING_S

    def kept(begins: Mapping[str, float], name: str) -> bool:
        return name in begins and abs(begins[name] - state.told_s[name]) <= tolerance_s

    before, after = pickups_s(rest.present), pickups_s(plan)
    return [
        name
        for name in state.told_s
        if state.standing[name] is Standing.OPEN and kept(before, name) and not kept(after, name)
    ]


def pickups_s(plan: Plan) -> dict[str, float]:
    """When each pickup is planned to begin."""
    return {
        stop.request: stop.begin_s
        for route in plan.routes
        for stop in route.stops
        if stop.kind is StopKind.PICKUP and stop.request is not None
    }
