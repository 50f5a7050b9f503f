"""What a change would do to everybody else, before it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from atmr_engine.checker import check
from atmr_engine.cost_difference import cost_difference
from atmr_engine.difference import moved_requests, services, told_moves
from atmr_engine.difference_words import difference_words
from atmr_engine.explain.changes import Change, outcome
from atmr_engine.objective import Cost, evaluate, route_cost
from atmr_engine.sentences import moment
from atmr_engine.solver import PlanRefusedError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from atmr_engine.difference import Moved
    from atmr_engine.explain.why_not import WhyNot
    from atmr_engine.plan import Plan
    from atmr_engine.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyChange:
    """What differs for one duty: its part of the cost, term by term, and its trips."""

    duty: str
    difference: Cost
    trips: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ripple:
    """The plan after a change, passed by the checker, and what differs from the plan before.

    `problem` is the problem after the change. `moved` are all requests that are served before and
    after, at another time or by another duty; `moves_told` how many of them were told another
    pickup. Where the change cannot be made, `refused` says why and nothing differs.
    """

    change: Change
    problem: Problem
    before: Plan
    after: Plan
    difference: Cost
    moved: tuple[Moved, ...]
    moves_told: int
    duties: tuple[DutyChange, ...]
    newly_served: tuple[str, ...]
    newly_unserved: tuple[str, ...]
    refused: WhyNot | None

    def sentences(self) -> tuple[str, ...]:
        """The change in words, the whole first; times are local where there is an origin."""
        return tuple(self._said())

    def _said(self) -> Iterator[str]:
        if self.refused is not None:
            yield f"it cannot be done: {self.refused.sentence}"
            return
        yield f"in all: {difference_words(self.difference)}"
        reasons = {entry.request: entry.reason for entry in self.after.unserved}
        for request in self.newly_unserved:
            yield f"{request} is not served any more: {reasons[request]}"
        for request in self.newly_served:
            yield f"{request} is served"
        was, now = services(self.before.routes), services(self.after.routes)
        for m in self.moved:
            old, new = was[m.request], now[m.request]
            times = (old.pickup_s, new.pickup_s, old.dropoff_s, new.dropoff_s)
            pickup, to, dropoff, at = (moment(self.problem, time) for time in times)
            duty = f", by duty {m.to_duty}" if m.to_duty != m.from_duty else ""
            yield f"{m.request}: {to} instead of {pickup}, there {at} instead of {dropoff}{duty}"
        for change in self.duties:
            trips = f", trips {change.trips:+d}" if change.trips else ""
            yield f"duty {change.duty}: {difference_words(change.difference)}{trips}"


def ripple(
    problem: Problem, plan: Plan, change: Change, told: Collection[str] = frozenset()
) -> Ripple:
    """What a change of a plan would do; `told` are the requests whose pickup time was told.

    Raises:
        KeyError: for a request or duty that the problem does not know.
        ProblemError: for windows that cannot be.
        RefusedError: where what is committed would have to change.
        PlanRefusedError: where the checker refuses the plan after it, which is a defect.

    """
    found = outcome(problem, plan, change)
    if found.refused is not None:
        now_problem, after = problem, plan
    else:
        now_problem, after = found.desk.problem, found.desk.plan()
        if violations := check(now_problem, after):
            raise PlanRefusedError(violations)
    moved = moved_requests(plan.routes, after.routes)
    was, now = services(plan.routes), services(after.routes)
    return Ripple(
        change=change,
        problem=now_problem,
        before=plan,
        after=after,
        difference=cost_difference(evaluate(now_problem, after), evaluate(problem, plan)),
        moved=moved,
        moves_told=told_moves(moved, told),
        duties=duty_changes(problem, plan, now_problem, after),
        newly_served=tuple(request for request in now if request not in was),
        newly_unserved=tuple(request for request in was if request not in now),
        refused=found.refused,
    )


def duty_changes(
    problem: Problem, before: Plan, now_problem: Problem, after: Plan
) -> tuple[DutyChange, ...]:
    """The duties whose route differs, in the order of `problem.duties`."""
    old = {route.duty: route for route in before.routes}
    new = {route.duty: route for route in after.routes}
    changes = []
    for duty in problem.duties:
        was, now = old.get(duty.id), new.get(duty.id)
        if was != now:
            cost_was = Cost() if was is None else route_cost(problem, was)
            cost_now = Cost() if now is None else route_cost(now_problem, now)
            trips = len(now.requests if now else ()) - len(was.requests if was else ())
            difference = cost_difference(cost_now, cost_was)
            changes.append(DutyChange(duty=duty.id, difference=difference, trips=trips))
    return tuple(changes)
