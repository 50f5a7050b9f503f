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
from atmr_engine.relaxation import RELAXATIONS, Relaxations
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
    empty_day, relaxations = begin(problem, arrays), Relaxations(arrays)
    able = [index for index in bank if arrays.compatible[index].any()]
    alone = [index for index in able if not fits(arrays, empty_day, index)]
    busy = [i for i in able if i not in set(alone) and not fits(arrays, state, i)]
    hopeless, crowded = lifted(relaxations, empty_day, alone), lifted(relaxations, state, busy)
    found = []
    for index in bank:
        request = problem.requests[index]
        fit = [d for d, can in zip(problem.duties, arrays.compatible[index], strict=True) if can]
        if not fit:
            rule, reason = explain_mismatch(problem, request)
        elif index in hopeless:
            rule = hopeless[index]
            reason = alone_sentence(problem, request, fit, rule)
        elif index in crowded:
            rule = crowded[index]
            reason = plan_sentence(request, fit, rule)
        else:
            rule, reason = Rule.COVERAGE, "it was left out, although it fits as things stand"
        found.append(Unserved(request=request.id, rule=rule, reason=reason))
    return tuple(found)


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


def lifted(relaxations: Relaxations, state: State, requests: list[int]) -> dict[int, Rule]:
    """For each request the first rule whose lifting alone lets it in; WINDOW where none does.

    Rule by rule, so that what is known of the routes is made anew for each rule alone.
    """
    found: dict[int, Rule] = {}
    for rule in RELAXATIONS:
        forget_routes(state)
        for request in requests:
            if request in found:
                continue
            with relaxations.without(rule, request) as arrays:
                if rule is Rule.LINK:
                    forget_routes(state)
                if fits(arrays, state, request):
                    found[request] = rule
    forget_routes(state)
    return {request: found.get(request, Rule.WINDOW) for request in requests}


def forget_routes(state: State) -> None:
    """Let nothing be known of any route that was found out under other arrays."""
    state.chains["version"] = -1


def fits(arrays: Arrays, state: State, index: int) -> bool:
    """Whether the request can be inserted anywhere."""
    return bool(first_fitting(arrays, state, index) >= 0)
