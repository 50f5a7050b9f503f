"""Who decides on a running day, and three who do: drive on, insert what is new, repair.

Whatever a policy plans is judged by the checker before it is driven (`commitments.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from atmr_engine.budget import Budget
from atmr_engine.objective import evaluate
from atmr_engine.plan import Unserved
from atmr_engine.rules import Rule
from atmr_engine.simulate.commitments import dropped, served_by
from atmr_engine.simulate.day_state import Standing
from atmr_engine.simulate.events import EventKind
from atmr_engine.simulate.noise import MINUTE
from atmr_engine.simulate.remainder import remainder
from atmr_engine.solver import solve

if TYPE_CHECKING:
    from atmr_engine.plan import Plan
    from atmr_engine.simulate.day_state import DayState
    from atmr_engine.simulate.events import Event
    from atmr_engine.simulate.remainder import Remainder

ARRIVALS = frozenset({EventKind.BOOKED, EventKind.READY, EventKind.BROKEN_DOWN})
"""After these, somebody may be without a vehicle."""
OPENINGS = frozenset({EventKind.CANCELLED, EventKind.NO_SHOW})
"""After these, somebody else may fit in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done: a new plan for the rest of the day (`remainder(state).problem`) or None.

    `aside` names will-call legs that leave the routes until their patients are ready.
    """

    plan: Plan | None = None
    aside: tuple[str, ...] = ()


DRIVE_ON = Decision()


class Policy(Protocol):
    """Decides at every event of `execution.DECIDED`; reads the state and leaves it alone."""

    def decide(self, state: DayState, event: Event) -> Decision:
        """What to do now."""


@dataclass(frozen=True, slots=True)
class Follow:
    """Drives the evening's plan: next stops in order, waiting for windows and patients."""

    def decide(self, state: DayState, event: Event) -> Decision:  # noqa: ARG002 (it does not look)
        """Nothing changes."""
        return DRIVE_ON


@dataclass(frozen=True, slots=True)
class Insert:
    """Inserts what is new, or lost its vehicle, where it costs least; moves nobody else.

    A will-call leg whose patient is not ready in time leaves its route. When the patient calls, the
    leg is inserted anew, or stays where it is planned if that is better.
    """

    seed: int = 0

    def decide(self, state: DayState, event: Event) -> Decision:
        """Find a vehicle for whoever has none."""
        if event.kind is EventKind.NOT_READY:
            return Decision(aside=(event.request or "",))
        if event.kind is EventKind.READY and event.request in state.routed():
            return reinserted(state, event.request, self.seed)
        if event.kind not in ARRIVALS | OPENINGS or not unplanned(state):
            return DRIVE_ON
        return inserted(state, remainder(state), self.seed)


@dataclass(frozen=True, slots=True)
class Repair:
    """Inserts and then re-optimises the rest of the day within a budget, from the present plan.

    It is asked at every arrival, cancellation, no-show and breakdown, and when a vehicle ends a
    stop more than `delay_s` after the plan.
    """

    budget: Budget = field(default_factory=lambda: Budget(iterations=200))
    delay_s: float = 5 * MINUTE
    seed: int = 0

    def decide(self, state: DayState, event: Event) -> Decision:
        """Re-plan where something changed."""
        if event.kind is EventKind.NOT_READY:
            return Decision(aside=(event.request or "",))
        if event.kind is EventKind.ENDED and not self._is_late(state, event):
            return DRIVE_ON
        rest = remainder(state)
        return improved(state, rest, self.budget, self.seed)

    def _is_late(self, state: DayState, event: Event) -> bool:
        """Whether the vehicle cannot be at its next stop within the delay of the planned time."""
        vehicle = state.vehicles[event.duty or ""]
        if not vehicle.ahead or vehicle.broken:
            return False
        task = vehicle.ahead[0]
        expected_s = state.now_s + state.way_s(vehicle.place, task.place)
        return expected_s - task.begin_s > self.delay_s


def unplanned(state: DayState) -> list[str]:
    """The requests that wait for a vehicle."""
    routed = state.routed()
    return [
        name
        for name, standing in state.standing.items()
        if standing is Standing.OPEN and name not in routed
    ]


def inserted(state: DayState, rest: Remainder, seed: int) -> Decision:
    """The present plan with whoever can be inserted, or nothing new."""
    plan = solve(rest.problem, Budget(iterations=0), seed, warm_start=rest.present)
    if len(served_by(plan)) <= len(served_by(rest.present)) or dropped(state, rest, plan):
        return DRIVE_ON
    return Decision(plan=plan)


def reinserted(state: DayState, request: str, seed: int) -> Decision:
    """The present plan with one request at the place that is best by now, or nothing new."""
    rest = remainder(state)
    fewer = without(rest.present, request)
    plan = solve(rest.problem, Budget(iterations=0), seed, warm_start=fewer)
    better = evaluate(rest.problem, plan).total < evaluate(rest.problem, rest.present).total
    return Decision(plan=plan) if better and not dropped(state, rest, plan) else DRIVE_ON


def without(plan: Plan, request: str) -> Plan:
    """A plan that leaves a request out; the stops that remain keep their times."""
    routes = tuple(
        replace(route, stops=tuple(stop for stop in route.stops if stop.request != request))
        for route in plan.routes
    )
    left_out = Unserved(request=request, rule=Rule.COVERAGE, reason="it is planned anew")
    return replace(plan, routes=routes, unserved=(*plan.unserved, left_out))


def improved(state: DayState, rest: Remainder, budget: Budget, seed: int) -> Decision:
    """A better plan for the rest of the day; insertion alone where that would break a promise."""
    plan = solve(rest.problem, budget, seed, warm_start=rest.present)
    if dropped(state, rest, plan):
        return inserted(state, rest, seed)
    better = evaluate(rest.problem, plan).total < evaluate(rest.problem, rest.present).total
    return Decision(plan=plan) if better else DRIVE_ON
