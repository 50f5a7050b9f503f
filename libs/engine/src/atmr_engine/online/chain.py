"""An ejection chain: the moves that together serve one more request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from atmr_engine.sentences import moment

if TYPE_CHECKING:
    from atmr_engine.difference import Moved
    from atmr_engine.objective import Cost
    from atmr_engine.problem import Problem

NOBODY = -1


class Step(NamedTuple):
    """`request` goes into `duty`, which `ejected` leaves before (-1: nobody has to)."""

    request: int
    duty: int
    ejected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One request of a chain: from which duty (None: it was unserved) to which, when, and why."""

    request: str
    from_duty: str | None
    to_duty: str
    pickup_s: float
    dropoff_s: float
    reason: str

    def sentence(self, problem: Problem) -> str:
        """The move in words."""
        when = f"{moment(problem, self.pickup_s)} to {moment(problem, self.dropoff_s)}"
        leaves = f" instead of duty {self.from_duty}" if self.from_duty else ""
        return f"{self.request} on duty {self.to_duty}{leaves}, {when}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Moves that together serve one more request, in the order in which they are made.

    `added` is the cost after less the cost before; `moved` are all others whose duty or planned
    times change, `moves_told` how many of them were told another pickup.
    """

    moves: tuple[Move, ...]
    added: Cost
    moved: tuple[Moved, ...]
    moves_told: int
    steps: tuple[Step, ...]
    versions: bytes
