"""Why a duty does not serve a request: the rule that fails first, and the least that would help.

Every answer was found by inserting the request under the relaxation that it names, and the nearest
ones are proved on the problem itself: granted, inserted, and passed by the independent checker.
The order of the stops that are there stays as it is, breaks included.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.arrays import table
from atmr_engine.explain.grants import granted
from atmr_engine.explain.lacking import lacking
from atmr_engine.explain.levers import (
    RULE_OF,
    Amounts,
    Lever,
    worth_s,
)
from atmr_engine.explain.pulling import furthest, pulled, riders_of
from atmr_engine.explain.smallest import first_failing, smallest
from atmr_engine.explain.wording import why_not_sentence
from atmr_engine.insertion import cheapest_in_duty
from atmr_engine.online.desk import Desk, RefusedError
from atmr_engine.online.scan import PLACING, lay_times

if TYPE_CHECKING:
    from atmr_engine.arrays import Arrays
    from atmr_engine.online.held_plan import HeldPlan
    from atmr_engine.plan import Plan
    from atmr_engine.problem import Problem
    from atmr_engine.rules import Rule

PROVED = 1
GRANTED_BY = "proof"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    """Why one duty does not serve a request, and under what it would.

    `rule` fails first, by `excess` (seconds for rules of time, places or people, else 1), as rules
    are asked in order of price; None where the duty could serve the request as things stand.
    `relaxation` is the smallest under which it can: amounts by lever, seconds for levers of time;
    None where nothing within a day of relaxation helps. Then `pickup_s` and `dropoff_s`, when it
    would be served, are None too. `riders` are those whom the duty serves.
    """

    request: str
    duty: str
    driver: str
    rule: Rule | None
    excess: float
    relaxation: Amounts | None
    pickup_s: float | None
    dropoff_s: float | None
    riders: tuple[str, ...]
    sentence: str

    @property
    def nearness_s(self) -> float:
        """How much is asked for, in seconds (see `worth_s`); infinite where nothing helps."""
        return math.inf if self.relaxation is None else float(worth_s(self.relaxation))

    def granted(self, problem: Problem, granted_by: str = GRANTED_BY) -> Problem:
        """The problem with the relaxation: its waivers, and the changed request or duty.

        Raises:
            ValueError: where nothing helps.

        """
        if self.relaxation is None:
            raise ValueError(f"nothing lets duty {self.duty!r} serve {self.request!r}")
        return granted(problem, self.request, self.duty, self.relaxation, self.riders, granted_by)


def why_not(
    problem: Problem, plan: Plan, request_id: str, *, proved: int = PROVED
) -> tuple[WhyNot, ...]:
    """Why each duty does not serve an unserved request of a plan, nearest to fitting first.

    The `proved` nearest are inserted on the granted problem itself, and the plan is checked.

    Raises:
        KeyError: for a request that the problem does not know.
        RefusedError: for one that is served.
        RuntimeError: where a proof fails, which is a defect.

    """
    answers = why_not_on(Desk.open(problem, plan), request_id)
    for answer in answers[:proved]:
        if answer.rule is not None and answer.relaxation is not None:
            prove(problem, plan, answer)
    return answers


def why_not_on(desk: Desk, request_id: str) -> tuple[WhyNot, ...]:
    """The same on a desk that is open already, without the proof on the problem itself."""
    request = desk.index(request_id)
    if desk.is_served(request_id):
        raise RefusedError(f"{request_id!r} is served by duty {desk.duty_of(request_id)!r}")
    offers = {offer.duty for offer in desk.offers(request_id, max(1, len(desk.problem.duties)))}
    answers = [
        answer(desk, request, duty, fits=desk.problem.duties[duty].id in offers)
        for duty in range(len(desk.problem.duties))
    ]
    return tuple(sorted(answers, key=lambda each: each.nearness_s))


def prove(problem: Problem, plan: Plan, answer: WhyNot) -> Plan:
    """The plan with the request on the duty, under the relaxation, passed by the checker.

    Raises:
        RuntimeError: where it does not come about, which is a defect.

    """
    desk = Desk.open(answer.granted(problem), plan)
    offer = desk.offer_of(answer.request, answer.duty)
    if offer is None:
        raise RuntimeError(f"the relaxation does not let duty {answer.duty!r} serve: a defect")
    desk.insert(answer.request, offer)
    proof = desk.plan()
    if violations := desk.check():
        raise RuntimeError(f"the checker refuses the proof: {violations[0].message}: a defect")
    return proof


def answer(held: HeldPlan, request: int, duty: int, *, fits: bool) -> WhyNot:
    """The answer for one duty, which `fits` says can serve the request as things stand."""
    forced = lacking(held, request, duty)
    rule: Rule | None = None
    relaxation: Amounts | None = {}
    excess, begins = 0.0, None
    if not fits:
        rule, excess, relaxation = nearest(held, request, duty, forced)
        if relaxation is not None:
            begins = times(held, pulled(held, request, duty, relaxation), request, duty)
    asked, offered = held.problem.requests[request], held.problem.duties[duty]
    riders = tuple(held.problem.requests[r].id for r in riders_of(held, duty))
    return WhyNot(
        request=asked.id,
        duty=offered.id,
        driver=offered.driver,
        rule=rule,
        excess=excess,
        relaxation=relaxation,
        pickup_s=None if begins is None else begins[0],
        dropoff_s=None if begins is None else begins[1],
        riders=riders,
        sentence=why_not_sentence(held.problem, asked, offered, rule, relaxation, begins),
    )


def nearest(
    held: HeldPlan, request: int, duty: int, forced: Amounts
) -> tuple[Rule, float, Amounts | None]:
    """The rule that fails first, by how much, and the smallest relaxation."""

    def fits(amounts: Amounts) -> bool:
        total = {k: forced.get(k, 0) + amounts.get(k, 0) for k in {*forced, *amounts}}
        pull = {lever: amount for lever, amount in total.items() if amount}
        return gaps(held, pulled(held, request, duty, pull), request, duty) is not None

    most = furthest(held, request, duty)
    more = smallest(fits, most)
    if forced:
        first = min(forced, key=list(Lever).index)
        rule, excess = RULE_OF[first], float(forced[first])
    else:
        rule, least = first_failing(fits, most)
        excess = float(sum(least.values()))
    if more is None:
        return rule, excess, None
    together = {k: forced.get(k, 0) + more.get(k, 0) for k in Lever if k in {*forced, *more}}
    if Lever.UNLINK in together:
        together.pop(Lever.DRIVER, None)  # legs that are not linked have no driver in common
    return rule, excess, together


def gaps(held: HeldPlan, arrays: Arrays, request: int, duty: int) -> tuple[int, int] | None:
    """Where a request goes by its cheapest insertion under other arrays, if anywhere."""
    profiled = held.state.chains.view(np.ndarray)["version"]
    profiled[duty] = -1  # the route's profile is of other arrays
    _, pickup, dropoff = cheapest_in_duty(arrays, held.state, request, duty, np.inf)
    profiled[duty] = -1
    return None if pickup < 0 else (pickup, dropoff)


def times(held: HeldPlan, arrays: Arrays, request: int, duty: int) -> tuple[float, float] | None:
    """When the request would be served then."""
    found = gaps(held, arrays, request, duty)
    if found is None:
        return None
    placing = table(1, PLACING)[0]
    placing.duty, placing.pickup_gap, placing.dropoff_gap = duty, *found
    begin_s = held.state.begin_s.copy()
    lay_times(arrays, held.state, request, placing, begin_s)
    return float(begin_s[2 * request]), float(begin_s[2 * request + 1])
