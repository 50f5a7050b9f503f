"""One route before the judge: the duty, its stops, and how far waivers reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from atmr_engine.plan import StopKind
from atmr_engine.rules import Rule, Violation, Waiver

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from atmr_engine.plan import PlannedStop, Route
    from atmr_engine.problem import Duty, Problem, Request, Visit

TOLERANCE_S = 1e-3
"""Seconds within which two times are one: far below what anybody can keep or notice, and far above
the rounding of float64 even where times count from 1970 (relative to an hour: 3e-7)."""

YES_OR_NO = 1.0
"""Excess of a breach that has no size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A route with all that its rules read. `leave` maps (rule, subject) to waived seconds."""

    problem: Problem
    duty: Duty
    route: Route
    leave: Mapping[tuple[Rule, str], float]
    tolerance_s: float

    def visits(self) -> Iterator[tuple[PlannedStop, Request]]:
        """Pickups and drop-offs of requests that the problem knows, in order."""
        for stop in self.route.stops:
            if stop.kind in {StopKind.PICKUP, StopKind.DROPOFF} and stop.request is not None:
                index = self.problem.request_index.get(stop.request)
                if index is not None:
                    yield stop, self.problem.requests[index]

    def riders(self) -> Iterator[tuple[PlannedStop, list[Request]]]:
        """Each stop with the passengers who are on board when the vehicle leaves it."""
        on_board: list[Request] = []
        requests = dict(self.visits())
        for stop in self.route.stops:
            request = requests.get(stop)
            if request is not None and stop.kind is StopKind.PICKUP:
                on_board.append(request)
            elif request in on_board:
                on_board.remove(request)
            yield stop, list(on_board)

    def breach(self, rule: Rule, subject: str, excess: float, message: str) -> Violation:
        """A violation on this duty."""
        return Violation(
            rule=rule, subject=subject, duty=self.duty.id, excess=excess, message=message
        )

    def too_long(
        self, rule: Rule, subject: str, amount_s: float, limit_s: float, what: str
    ) -> Iterator[Violation]:
        """Refuse `amount_s` above `limit_s` and the waiver of (`rule`, `subject`)."""
        waived = self.leave.get((rule, subject), 0.0)
        excess = amount_s - limit_s - waived
        if excess > self.tolerance_s:
            under = f" and {waived:g} s waived" if waived else ""
            yield self.breach(
                rule, subject, excess, f"{what}: {amount_s:.1f} s, {limit_s:.1f} s allowed{under}"
            )


def visit_of(request: Request, kind: StopKind) -> Visit:
    """The end of `request` that a stop of `kind` serves."""
    return request.pickup if kind is StopKind.PICKUP else request.dropoff


def waived_seconds(waivers: Iterable[Waiver]) -> dict[tuple[Rule, str], float]:
    """How far each service rule may be breached by whom: the widest waiver counts, no sums."""
    leave: dict[tuple[Rule, str], float] = {}
    for waiver in waivers:
        key = (waiver.rule, waiver.subject)
        leave[key] = max(leave.get(key, 0.0), waiver.excess_s)
    return leave
