"""Routes that a search has met, for set partitioning to choose from (partition.py).

Of the routes that serve the same requests on duties of one class only the cheapest is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.improve.duty_classes import DutyClasses, duty_classes
from atmr_engine.node_table import break_nodes
from atmr_engine.pricing import unserved_costs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from atmr_engine.problem import Problem

NOTHING = -1
GAIN = 1e-6
"""What a plan must cost less to be better, in units of the objective."""
FIRST_SLOTS, FIRST_WIDTH = 256, 16
YOUNGEST = 4
"""The youngest of so many parts are never evicted; as large a part leaves at a time."""


class RoutePool:
    """At most `most` routes in numbered slots; a number means its route until that is evicted.

    `duty`, `group` (class of duties), `cost` and `age` (n,), `members` (n, width) requests in
    ascending order and `stops` (n, width) nodes as the search numbers them, both filled up with
    -1. `unserved` (R,) is what a request costs that no chosen route serves, inf where one must:
    it stands in a duty's committed beginning.

    A cost counts from the duty that stays at home (less `fairness_h2(duty, 0)` at its weight), and
    must be the route's own: linked legs on other routes have to leave its timetable alone,
    now and after an exchange. Add such a route only when none of its linked legs is on another
    route, or schedule and price the chosen routes again, and refuse a choice that proves false.
    """

    def __init__(self, problem: Problem, most: int = 20_000) -> None:
        if most < YOUNGEST:
            raise ValueError(f"a pool holds at least {YOUNGEST} routes, not {most}")
        self.classes: DutyClasses = duty_classes(problem)
        self.unserved = np.array(unserved_costs(problem), dtype=np.float64)
        for duty in problem.duties:
            for stop in duty.committed:
                if stop.request is not None:
                    self.unserved[problem.request_index[stop.request]] = np.inf
        self.most = most
        self.prices: NDArray[np.float64] | None = None
        self._first_break = break_nodes(problem)
        self._known: dict[bytes, int] = {}
        self._keys: list[bytes] = []
        self._free: list[int] = []
        self._clock = 0
        self.duty = np.zeros(0, dtype=np.int64)
        self.group = np.zeros(0, dtype=np.int64)
        self.cost = np.zeros(0)
        self.age = np.zeros(0, dtype=np.int64)
        self.members = np.full((0, FIRST_WIDTH), NOTHING, dtype=np.int64)
        self.stops = np.full((0, 2 * FIRST_WIDTH), NOTHING, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._known)

    def add(self, duty: int, sequence: Sequence[int] | NDArray[np.int64], cost: float) -> int:
        """Keep a route unless a cheaper one for the same requests is known; its slot.

        `sequence` has the nodes of pickups (2 r), drop-offs (2 r + 1) and breaks in order. A
        known route counts as new again. O(1), apart from evictions.

        Raises:
            ValueError: for a route that serves nobody on a duty that need not drive, or a cost
                that is not finite.

        """
        nodes = np.asarray(sequence, dtype=np.int64)
        group = int(self.classes.of_duty[duty])
        members = self._requests(nodes)
        if not len(members) and not self.classes.least[group]:
            raise ValueError("a route that serves nobody is no route")
        if not np.isfinite(cost):
            raise ValueError(f"a route's cost must be finite: {cost}")
        key = group.to_bytes(4, "little") + members.tobytes()
        slot = self._known.get(key, NOTHING)
        known = slot != NOTHING
        if not known:
            slot = self._new_slot()
            self._known[key] = slot
            self._keys[slot] = key
        self.age[slot] = self._clock
        self._clock += 1
        if not known or cost < self.cost[slot]:
            self._write(slot, duty, members, nodes, cost)
        return slot

    def live(self) -> NDArray[np.int64]:
        """The slots that hold routes, ascending."""
        held = np.ones(len(self._keys), dtype=bool)
        held[self._free] = False
        return np.flatnonzero(held).astype(np.int64)

    def cost_of(self, chosen: Sequence[int]) -> float:
        """What the chosen routes cost, with the requests that none of them serves."""
        members = self.members[list(chosen)]
        left_out = np.ones(len(self.unserved), dtype=bool)
        left_out[members[members != NOTHING]] = False
        return float(self.cost[list(chosen)].sum() + self.unserved[left_out].sum())

    def reduced_costs(self, slots: NDArray[np.int64]) -> NDArray[np.float64]:
        """Costs less the prices of what the routes serve and of their duties' class (n,).

        `prices` (R + C,) are those of the last linear programme.

        Raises:
            ValueError: before there are any prices.

        """
        if self.prices is None:
            raise ValueError("nothing has been priced yet")
        requests = len(self.unserved)
        of_request = np.append(self.prices[:requests], 0.0)  # the last one is NOTHING's
        prices: NDArray[np.float64] = of_request[self.members[slots]].sum(axis=1)
        return self.cost[slots] - prices - self.prices[requests + self.group[slots]]

    def seat(self, chosen: Sequence[int]) -> list[int]:
        """A duty for each chosen route: the one it was found on where that is still free."""
        free = {group: self.classes.duties(group) for group in range(len(self.classes.most))}
        duties = [NOTHING] * len(chosen)
        for own in (True, False):
            for position, slot in enumerate(chosen):
                left = free[int(self.group[slot])]
                if duties[position] == NOTHING and (not own or self.duty[slot] in left):
                    duties[position] = int(self.duty[slot]) if own else left[0]
                    left.remove(duties[position])
        return duties

    def stops_on(self, slot: int, duty: int) -> NDArray[np.int64]:
        """The route's nodes when `duty` drives it: the breaks are then those of `duty`."""
        stops = self.stops[slot]
        nodes: NDArray[np.int64] = stops[stops != NOTHING]
        shift = self._first_break[duty] - self._first_break[int(self.duty[slot])]
        pauses = nodes >= 2 * len(self.unserved)
        nodes[pauses] += shift
        return nodes

    def _requests(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        pickups = nodes[(nodes < 2 * len(self.unserved)) & (nodes % 2 == 0)]
        return np.sort(pickups >> 1)

    def _new_slot(self) -> int:
        if len(self) >= self.most:
            self._evict()
        if self._free:
            return self._free.pop()
        slot = len(self._keys)
        self._keys.append(b"")
        if slot >= len(self.cost):
            self._grow()
        return slot

    def _grow(self) -> None:
        more = max(FIRST_SLOTS, len(self.cost))
        self.duty, self.group, self.age = (
            np.append(column, np.zeros(more, dtype=np.int64))
            for column in (self.duty, self.group, self.age)
        )
        self.cost = np.append(self.cost, np.zeros(more))
        self.members, self.stops = (
            np.pad(table, ((0, more), (0, 0)), constant_values=NOTHING)
            for table in (self.members, self.stops)
        )

    def _write(
        self,
        slot: int,
        duty: int,
        members: NDArray[np.int64],
        nodes: NDArray[np.int64],
        cost: float,
    ) -> None:
        self.duty[slot], self.cost[slot] = duty, cost
        self.group[slot] = self.classes.of_duty[duty]
        self.members = filled(self.members, slot, members)
        self.stops = filled(self.stops, slot, nodes)

    def _evict(self) -> None:
        """Let the dearest old routes go: by reduced cost once there are prices, else the oldest."""
        slots = self.live()
        slots = slots[np.argsort(self.age[slots])]
        part = len(slots) // YOUNGEST
        old = slots[: len(slots) - part]
        if self.prices is not None:
            old = old[np.argsort(-self.reduced_costs(old), kind="stable")]
        for slot in sorted((int(slot) for slot in old[:part]), reverse=True):
            del self._known[self._keys[slot]]
            self._free.append(slot)


def filled(table: NDArray[np.int64], slot: int, values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The table, wider where it must be, with `values` and then -1 in row `slot`."""
    missing = len(values) - table.shape[1]
    if missing > 0:
        more = max(missing, table.shape[1])
        table = np.pad(table, ((0, 0), (0, more)), constant_values=NOTHING)
    table[slot] = NOTHING
    table[slot, : len(values)] = values
    return table
