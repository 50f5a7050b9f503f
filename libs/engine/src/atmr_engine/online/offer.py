"""What a duty offers an unserved request: when, at what price, and who else is affected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from atmr_engine.difference_words import difference_words, moved_words
from atmr_engine.sentences import moment

if TYPE_CHECKING:
    from atmr_engine.difference import Moved
    from atmr_engine.objective import Cost
    from atmr_engine.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where in its duty's route an offer puts the request, and for which versions of both.

    `gaps` are the stops before pickup and drop-off; None: the duty's breaks move to make room.
    """

    versions: tuple[int, int, int]
    gaps: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One duty that can serve a request.

    `added` is the cost after less the cost before, term by term, so that its `unserved` is -1;
    `price` leaves that out. `pickup_s` and `dropoff_s` are when service begins. `moved` are the
    others whose planned times move, `moves_told` how many of them were told another pickup.
    """

    request: str
    duty: str
    driver: str
    added: Cost
    price: float
    pickup_s: float
    dropoff_s: float
    moved: tuple[Moved, ...]
    moves_told: int
    placement: Placement

    @property
    def moves_breaks(self) -> bool:
        """Whether the duty's breaks are taken elsewhere for it."""
        return self.placement.gaps is None

    def sentence(self, problem: Problem) -> str:
        """The offer in words, with local times where the problem has an origin."""
        when = f"{moment(problem, self.pickup_s)} to {moment(problem, self.dropoff_s)}"
        who = f"duty {self.duty} ({self.driver})" if self.driver else f"duty {self.duty}"
        said = f"{who}, {when}: {difference_words(self.added)}{moved_words(self.moved)}"
        return f"{said}; a break is taken elsewhere" if self.moves_breaks else said
