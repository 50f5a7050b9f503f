"""Who else could serve a request, and what would differ: minutes, km, overtime, who is affected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from atmr_engine.cost_difference import cost_difference, cost_sum
from atmr_engine.difference import Moved, moved_requests, services, told_moves
from atmr_engine.difference_words import difference_words, moved_words
from atmr_engine.explain.why_not import WhyNot, answer
from atmr_engine.online.desk import Desk, RefusedError
from atmr_engine.sentences import moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from atmr_engine.objective import Cost
    from atmr_engine.plan import Plan
    from atmr_engine.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another duty for a request that is served, against the plan as it is.

    `difference` is the cost with it less the cost as it is, term by term; the request itself would
    be picked up and dropped off so many seconds later (or < 0) and ride so many longer. `moved` are
    the others whose planned times move, `moves_told` how many of them, the request included, were
    told another pickup.
    """

    request: str
    duty: str
    driver: str
    difference: Cost
    pickup_s: float
    dropoff_s: float
    pickup_by_s: float
    dropoff_by_s: float
    ride_by_s: float
    moved: tuple[Moved, ...]
    moves_told: int

    def sentence(self, problem: Problem) -> str:
        """The alternative in words, with local times where the problem has an origin."""
        when = f"{moment(problem, self.pickup_s)} to {moment(problem, self.dropoff_s)}"
        who = f"duty {self.duty} ({self.driver})" if self.driver else f"duty {self.duty}"
        return f"{who}, {when}: {difference_words(self.difference)}{moved_words(self.moved)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternatives:
    """The duties that could serve a request instead, cheapest first, and why the others cannot."""

    request: str
    duty: str
    possible: tuple[Alternative, ...]
    impossible: tuple[WhyNot, ...]


def alternatives(
    problem: Problem, plan: Plan, request_id: str, told: Mapping[str, float] | None = None
) -> Alternatives:
    """What every other duty would make of a request that a plan serves.

    Duties that cannot take it are in `impossible`, nearest to fitting first, each with the rule
    that it would break and the smallest relaxation.

    Raises:
        KeyError: for a request that the problem does not know.
        RefusedError: where the request is unserved, or cannot be taken from its duty.

    """
    desk = Desk.open(problem, plan, told)
    own = desk.duty_of(request_id)
    if own is None:
        raise RefusedError(f"{request_id!r} is not served")
    before, cost = desk.routes(), desk.cost()
    was = services(before)[request_id]
    desk.remove(request_id)
    freed = moved_requests(before, desk.routes())
    removed = cost_difference(desk.cost(), cost)
    possible = []
    for offer in desk.offers(request_id, max(1, len(problem.duties))):
        if offer.duty == own:
            continue
        moved = (*freed, *offer.moved)
        itself = Moved(
            request=request_id,
            from_duty=own,
            to_duty=offer.duty,
            pickup_by_s=offer.pickup_s - was.pickup_s,
            dropoff_by_s=offer.dropoff_s - was.dropoff_s,
        )
        possible.append(
            Alternative(
                request=request_id,
                duty=offer.duty,
                driver=offer.driver,
                difference=cost_sum(removed, offer.added),
                pickup_s=offer.pickup_s,
                dropoff_s=offer.dropoff_s,
                pickup_by_s=itself.pickup_by_s,
                dropoff_by_s=itself.dropoff_by_s,
                ride_by_s=itself.dropoff_by_s - itself.pickup_by_s,
                moved=moved,
                moves_told=told_moves((*moved, itself), desk.told),
            )
        )
    able = {own, *(alternative.duty for alternative in possible)}
    index = desk.index(request_id)
    impossible = [
        answer(desk, index, duty, fits=False)
        for duty, row in enumerate(problem.duties)
        if row.id not in able
    ]
    impossible.sort(key=lambda each: each.nearness_s)
    return Alternatives(
        request=request_id, duty=own, possible=tuple(possible), impossible=tuple(impossible)
    )
