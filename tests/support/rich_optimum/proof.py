"""The optimum of a rich instance: all routes of all duties, chosen from by HiGHS.

Routes are priced as if links between routes left their timetables alone, which is a lower bound;
where the chosen routes cost more together, a cut says so and the choice is made again.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from support.rich_optimum.master import Column, Master
from support.rich_optimum.routes import Found, RouteSearch
from support.rich_optimum.timetables import (
    Network,
    cheapest_times,
    customary_times,
    network_of,
    plan_of,
)

from atmr_engine.objective import evaluate, route_cost
from atmr_engine.plan import Plan, Route
from atmr_engine.problem import Problem

Timing = Callable[[Network], NDArray[np.float64] | None]
EXACT = 1e-6
NEAR, AT_A_TIME = 1.0, 100
"""Up to which reduced cost columns are priced exactly, and how many before the next look."""
MANY, ROUGH, MOST = 1_500, 0.01, 3
"""Columns of lowest reduced cost for a first plan, within which share of its bound it may stay, and
how many times as many columns are worth a proof."""
FEW = 300
"""Columns of lowest reduced cost for a plan by custom, beside those of the optimum."""


Together = tuple[float, dict[int, tuple[int, ...]]]
"""What some routes cost, and their sequences by duty."""


@dataclass(frozen=True)
class Optimum:
    """A plan, its cost, and that no plan costs less than `bound`."""

    plan: Plan
    sequences: dict[int, tuple[int, ...]]
    times: NDArray[np.float64]
    cost: float
    bound: float
    columns: int
    cuts: int


@dataclass
class Proof:
    """The routes of all duties, with their searches."""

    problem: Problem
    searches: list[RouteSearch]
    columns: list[Column] = field(default_factory=list)
    _options: dict[tuple[int, int], list[Found]] = field(default_factory=dict)
    _together: dict[tuple[Timing, frozenset[tuple[int, int]]], Together | None] = field(
        default_factory=dict
    )

    @classmethod
    def of(cls, problem: Problem) -> Proof:
        """Find every route of every duty."""
        searches = [RouteSearch(problem, duty) for duty in range(len(problem.duties))]
        columns = [
            Column(search.index, mask, cost)
            for search in searches
            for mask, cost in sorted(search.bounds().items())
        ]
        return cls(problem, searches, columns)

    def optimum(self) -> Optimum:
        """The cheapest plan over all sequences and all timetables."""
        count = MANY
        while True:
            rough = self.solve(self.cheapest_columns(count), cheapest_times, ROUGH)
            worth = self.worth(rough.cost)
            if worth <= MOST * count:
                return self.solve(self.cheapest_columns(worth), cheapest_times)
            count = MOST * count

    def customary(self, best: Optimum) -> Optimum:
        """A cheap plan under the custom of early drop-offs: of the routes of `best` and a few.

        No plan that keeps the custom costs less than `best`; whether one costs less than this is
        not proven.
        """
        own = [self.column_of(route) for route in best.plan.routes]
        few = [column for column in self.cheapest_columns(FEW) if column not in own]
        return self.solve(own + few, customary_times)

    def cheapest_columns(self, count: int) -> list[Column]:
        """The columns with the lowest reduced costs."""
        _, reduced = self.relaxation
        return [self.columns[index] for index in np.argsort(reduced, kind="stable")[:count]]

    @cached_property
    def relaxation(self) -> tuple[float, NDArray[np.float64]]:
        """A lower bound of all plans, and the reduced costs of the columns (inf: no timetable).

        The columns that can matter to the linear relaxation get their exact costs in `columns`.
        """
        master = Master(self.problem, self.columns)
        exact: set[int] = set()
        while True:
            bound, reduced = master.relaxed()
            near = [
                int(index)
                for index in np.argsort(reduced, kind="stable")
                if reduced[index] <= NEAR and index not in exact
            ]
            if not near:
                return bound, reduced
            for index in near[:AT_A_TIME]:
                exact.add(index)
                priced = self.priced(self.columns[index], cheapest_times)
                master.reprice(index, np.inf if priced is None else priced.cost)
                self.columns[index] = priced or self.columns[index]

    def worth(self, ceiling: float) -> int:
        """How many columns a plan of at most `ceiling` can hold, by their reduced costs."""
        bound, reduced = self.relaxation
        return int((bound + reduced <= ceiling + EXACT).sum())

    def column_of(self, route: Route) -> Column:
        """The column of a route of a plan."""
        duty = self.problem.duty_index[route.duty]
        mask = sum(1 << self.problem.request_index[name] for name in route.requests)
        return next(c for c in self.columns if (c.duty, c.mask) == (duty, mask))

    def priced(self, column: Column, timing: Timing) -> Column | None:
        """The column at the cost of its cheapest sequence; None where it has no timetable."""
        best = self.joint([column], timing)
        return None if best is None else Column(column.duty, column.mask, best[0])

    def solve(self, columns: list[Column], timing: Timing, gap: float = 0.0) -> Optimum:
        """Price, choose, look whether the choice costs what it promised, cut where it does not.

        The choice costs at most the share `gap` more than the cheapest.
        """
        exact = [self.priced(column, timing) for column in columns]
        master = Master(self.problem, [column for column in exact if column is not None])
        while True:
            bound, chosen = master.solve(gap)
            groups = self.tied(chosen)
            found = [self.joint(group, timing) for group in groups]
            dearer = [
                (group, together[0] - promised if together else np.inf)
                for group, together in zip(groups, found, strict=True)
                for promised in [sum(column.cost for column in group)]
                if together is None or together[0] > promised + EXACT
            ]
            if not dearer or not master.cut(dearer):
                break
        sequences = {
            duty: nodes for together in found if together for duty, nodes in together[1].items()
        }
        network = network_of(self.problem, sequences)
        times = timing(network)
        if times is None:
            raise AssertionError("the chosen routes have no timetable together")
        plan = plan_of(network, times)
        cost = evaluate(self.problem, plan).total
        return Optimum(plan, sequences, times, cost, bound, len(columns), master.cuts)

    def tied(self, chosen: Sequence[Column]) -> list[list[Column]]:
        """The chosen routes in groups that share linked legs."""
        groups = [[column] for column in chosen]
        for index, request in enumerate(self.problem.requests):
            if request.link is None:
                continue
            after = self.problem.request_index[request.link.after]
            ends = [g for g in groups if any(c.mask >> index & 1 or c.mask >> after & 1 for c in g)]
            if len(ends) > 1:
                groups = [g for g in groups if g not in ends] + [[*ends[0], *ends[1]]]
        return groups

    def joint(self, group: Sequence[Column], timing: Timing) -> Together | None:
        """What routes cost together, over all their sequences; None where they cannot be."""
        key = timing, frozenset((column.duty, column.mask) for column in group)
        if key not in self._together:
            self._together[key] = self._cheapest_together(group, timing)
        return self._together[key]

    def options(self, column: Column) -> list[Found]:
        """All sequences of a column."""
        key = column.duty, column.mask
        if key not in self._options:
            self._options[key] = self.searches[column.duty].all_for(column.mask)
        return self._options[key]

    def _cheapest_together(self, group: Sequence[Column], timing: Timing) -> Together | None:
        best: Together | None = None
        for bound, combination in by_bound([self.options(column) for column in group]):
            if best is not None and bound >= best[0] - EXACT:
                break
            sequences = {
                column.duty: found.sequence
                for column, found in zip(group, combination, strict=True)
            }
            network = network_of(self.problem, sequences)
            times = timing(network)
            if times is None:
                continue
            routes = plan_of(network, times).routes
            cost = sum(route_cost(self.problem, route).total for route in routes)
            if best is None or cost < best[0]:
                best = cost, sequences
        return best


def by_bound(choices: Sequence[Sequence[Found]]) -> Iterator[tuple[float, tuple[Found, ...]]]:
    """One of each list (ascending), by rising sum of costs."""
    first = (0,) * len(choices)
    heap = [(sum(options[0].cost for options in choices), first)]
    seen = {first}
    while heap:
        bound, positions = heapq.heappop(heap)
        yield bound, tuple(o[p] for o, p in zip(choices, positions, strict=True))
        for index, options in enumerate(choices):
            position = positions[index] + 1
            following = (*positions[:index], position, *positions[index + 1 :])
            if position < len(options) and following not in seen:
                seen.add(following)
                more = options[position].cost - options[position - 1].cost
                heapq.heappush(heap, (bound + more, following))
