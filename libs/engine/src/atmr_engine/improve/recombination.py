"""The best plan so far is put together anew from the routes that a search met, if that is better.

Set partitioning (partition.py) prices routes one by one. What it cannot see, links between legs on
different routes and changes of driver, is looked at here: a choice is scheduled and priced as a
whole, and forbidden where it proves false.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.beginning import adopt_nodes
from atmr_engine.improve.best import accept
from atmr_engine.improve.noting import driven_routes
from atmr_engine.improve.route_pool import GAIN, NOTHING, RoutePool
from atmr_engine.insertion import may_serve
from atmr_engine.journal import commit, rollback
from atmr_engine.plan_price import total_cost
from atmr_engine.removal import remove_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from atmr_engine.arrays import Arrays
    from atmr_engine.improve.best import Best
    from atmr_engine.improve.route_log import Noted
    from atmr_engine.problem import Problem
    from atmr_engine.state import State

NODE_LIMIT = 200
"""Nodes of the integer programme."""
ENOUGH = 15
"""Routes for each request from which on there is something to choose (see docs/adr/0026)."""
TRIES = 4
"""Choices that are scheduled, one after the other proving false."""


class Recombination:
    """A pool of routes, and the plans made of them."""

    def __init__(self, problem: Problem, arrays: Arrays) -> None:
        self.arrays = arrays
        self.pool = RoutePool(problem)

    def take_in(self, routes: Iterable[Noted]) -> None:
        """Add routes to the pool."""
        for duty, nodes, cost in routes:
            self.pool.add(duty, nodes, cost)

    @property
    def is_rich(self) -> bool:
        """Whether the pool holds so many routes that a choice among them is worth its time."""
        return len(self.pool) >= ENOUGH * len(self.arrays.requests)

    def improve(self, state: State, best: Best) -> bool:
        """Make a cheaper plan of the pool's routes the best and present one, if there is any."""
        from atmr_engine.improve.partition import recombine  # noqa: PLC0415 (HiGHS loads slowly)

        routes = driven_routes(self.arrays, best)
        present = [self.pool.add(*route) for route in routes]
        cost = sum(cost for _, _, cost in routes)
        refused: list[list[int]] = []
        while len(refused) < TRIES:
            chosen = recombine(self.pool, present, NODE_LIMIT, refused)
            if chosen is None and self.pool.cost[present].sum() < cost - GAIN:
                chosen = present  # cheaper orders of the same stops were met
            if chosen is None or chosen in refused:
                return False
            if self.install(state, best, chosen):
                return True
            refused.append(chosen)
        return False

    def install(self, state: State, best: Best, chosen: Sequence[int]) -> bool:
        """Make the chosen routes the plan if together they keep all rules and cost less."""
        commit(state)
        remove_all(self.arrays, state)
        seats = zip(chosen, self.pool.seat(chosen), strict=True)
        driven = all(self.drive(state, *seat) for seat in seats)
        cost = total_cost(self.arrays, state.route_of, state.cost)
        if driven and cost < best.costs[0] - GAIN:
            accept(self.arrays, state, best)
            return True
        rollback(self.arrays, state)
        return False

    def drive(self, state: State, slot: int, duty: int) -> bool:
        """Make a route the duty's if that keeps all rules."""
        members = self.pool.members[slot]
        served = members[members != NOTHING]
        able = all(may_serve(self.arrays, state, request, duty) for request in served)
        return able and adopt_nodes(
            self.arrays, state, self.pool.stops_on(slot, duty).tolist(), duty
        )
