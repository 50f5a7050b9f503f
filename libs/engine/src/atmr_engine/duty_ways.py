"""The ways of one duty as a plan states them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from atmr_engine.unsteady import leave, reach

if TYPE_CHECKING:
    from atmr_engine.arrays import Arrays


class Ways(NamedTuple):
    """The ways of one duty, for whom None is nowhere."""

    arrays: Arrays
    duty: int

    def arrival(self, here: int | None, there: int | None, free_s: float) -> float:
        """When a vehicle that is free to leave at `free_s` is there at the earliest."""
        if here is None or there is None:
            return free_s
        return float(reach(self.arrays, self.duty, here, there, free_s))

    def departure(self, here: int | None, there: int | None, arrival_s: float) -> float:
        """When it leaves at the latest to be there in time."""
        if here is None or there is None:
            return arrival_s
        return float(leave(self.arrays, self.duty, here, there, arrival_s))
