"""Why a request is unserved: the rule that stands in the way on the duties that come nearest.

A request that fits no duty's skills, places or shift would not be served on an empty day either;
one that would is asked against the plan which single rule, were it lifted, would let it in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.beginning import begin
from atmr_engine.compilation import first_mismatch
from atmr_engine.insertion import first_fitting
from atmr_engine.plan import Unserved
from atmr_engine.relaxation import RELAXATIONS, relaxed
from atmr_engine.rules import Rule
from atmr_engine.sentences import alone_sentence, mismatch_sentence, pinned_sentence, plan_sentence
from atmr_engine.state import BANKED

if TYPE_CHECKING:
    from atmr_engine.arrays import Arrays
    from atmr_engine.problem import Duty, Problem, Request
    from atmr_engine.state import State

NEARNESS = (Rule.CAPACITY, Rule.EQUIPMENT, Rule.SKILLS, Rule.CREW)
"""In which order `first_mismatch` asks: a later one means that the duty came nearer."""


def explain_unserved(problem: Problem, arrays: Arrays, state: State) -> tuple[Unserved, ...]:
    """An `Unserved` for each banked request, in the order of `problem.requests`."""
    bank = sorted(int(request) for request in state.bank[: state.counters[BANKED]])
    if not bank:
        return ()
    empty_day = begin(problem, arrays)
    return tuple(explain(problem, arrays, state, empty_day, index) for index in bank)


def explain(
    problem: Problem, arrays: Arrays, state: State, empty_day: State, index: int
) -> Unserved:
    """The rule and the sentence for one request."""
    request = problem.requests[index]
    able = [d for d, fits in zip(problem.duties, arrays.compatible[index], strict=True) if fits]
    if not able:
        rule, reason = explain_mismatch(problem, request)
    elif not fits(arrays, empty_day, index):
        rule = lifted(arrays, empty_day, index)
        reason = alone_sentence(problem, request, able, rule)
    elif fits(arrays, state, index):
        rule, reason = Rule.COVERAGE, "it was left out, although it fits as things stand"
    else:
        rule = lifted(arrays, state, index)
        reason = plan_sentence(request, able, rule)
    return Unserved(request=request.id, rule=rule, reason=reason)


def explain_mismatch(problem: Problem, request: Request) -> tuple[Rule, str]:
    """Why no duty at all can carry the request, not even an empty one."""
    if not problem.duties:
        return Rule.COVERAGE, "there is no duty"
    pinned = pinned_duty(problem, request)
    asked = [pinned] if pinned is not None else list(problem.duties)
    rules = {rule for duty in asked if (rule := first_mismatch(request, duty)) is not None}
    rule = max(rules, key=NEARNESS.index, default=Rule.LOCK)
    if pinned is not None:
        return rule, pinned_sentence(request, pinned, rule)
    return rule, mismatch_sentence(problem, request, rule)


def pinned_duty(problem: Problem, request: Request) -> Duty | None:
    """The duty that a dispatcher, or a committed beginning, pins the request to."""
    if request.locked_duty is not None:
        return problem.duties[problem.duty_index[request.locked_duty]]
    committed = (d for d in problem.duties for s in d.committed if s.request == request.id)
    return next(committed, None)


def lifted(arrays: Arrays, state: State, index: int) -> Rule:
    """The first rule whose lifting alone lets the request in; WINDOW where none does."""
    helps = (rule for rule in RELAXATIONS if fits(relaxed(arrays, rule, index), state, index))
    return next(helps, Rule.WINDOW)


def fits(arrays: Arrays, state: State, index: int) -> bool:
    """Whether the request can be inserted anywhere; leaves nothing of it in the state."""
    state.chains["version"] = -1
    found = first_fitting(arrays, state, index) >= 0
    state.chains["version"] = -1
    return found
