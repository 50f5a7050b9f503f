"""The integer programme of a proof: routes, unserved requests, changes of driver, cuts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from atmr_engine.objective import driver_of
from atmr_engine.problem import Problem, SameDriver

Terms = dict[int, float]


@dataclass(frozen=True)
class Column:
    """A route to choose: duty, requests as bits, and what it costs at least."""

    duty: int
    mask: int
    cost: float


class Master:
    """Each duty drives one route at most; each request is in one route or unserved at its cost.

    Variables: the columns, then a request each (unserved), then a linked leg each that prefers one
    driver (changed), then `extra`, what the chosen routes cost beyond the sum of their columns.
    """

    def __init__(self, problem: Problem, columns: Sequence[Column]) -> None:
        self.problem, self.columns = problem, columns
        self.cuts = 0
        self.closed: set[int] = set()
        self.model = highspy.Highs()
        for name, value in (("output_flag", False), ("threads", 1)):
            self.model.setOptionValue(name, value)
        self.bearing: list[list[int]] = [[] for _ in problem.requests]
        driving: list[list[int]] = [[] for _ in problem.duties]
        for index, column in enumerate(columns):
            self._variable(column.cost)
            driving[column.duty].append(index)
            for number, routes in enumerate(self.bearing):
                if column.mask >> number & 1:
                    routes.append(index)
        weights = problem.weights
        self.unserved = [
            self._variable(weights.unserved + weights.unserved_priority * request.priority)
            for request in problem.requests
        ]
        for routes in driving:
            self._row(-np.inf, 1.0, dict.fromkeys(routes, 1.0))
        for routes, left in zip(self.bearing, self.unserved, strict=True):
            self._row(1.0, 1.0, dict.fromkeys([*routes, left], 1.0))
        for index, request in enumerate(problem.requests):
            if request.link is not None and request.link.same_driver is not SameDriver.FREE:
                changed = None
                if request.link.same_driver is SameDriver.PREFER:
                    changed = self._variable(weights.driver_changes)
                self._one_driver(index, problem.request_index[request.link.after], changed)
        self.extra = self._variable(1.0, highspy.kHighsInf)

    def solve(self, gap: float = 0.0) -> tuple[float, list[Column]]:
        """A lower bound of all choices, and the columns of one within `gap` (a share) of it."""
        self.model.setOptionValue("mip_rel_gap", gap)
        count = self.model.getNumCol()
        kinds = np.full(count, int(highspy.HighsVarType.kInteger), dtype=np.uint8)
        kinds[self.extra] = int(highspy.HighsVarType.kContinuous)
        self.model.changeColsIntegrality(count, np.arange(count, dtype=np.int32), kinds)
        values = self._run()
        chosen = [c for c, value in zip(self.columns, values, strict=False) if value > 0.5]
        return float(self.model.getInfo().mip_dual_bound), chosen

    def relaxed(self) -> tuple[float, NDArray[np.float64]]:
        """The cost of the linear relaxation and the columns' reduced costs; before any `solve`.

        A column at its upper bound of one has a negative one: it costs nothing to keep it.
        """
        self._run()
        reduced = np.array(self.model.getSolution().col_dual)[: len(self.columns)]
        reduced[list(self.closed)] = np.inf
        return float(self.model.getInfo().objective_function_value), np.maximum(reduced, 0.0)

    def reprice(self, index: int, cost: float) -> None:
        """Give a column another cost; inf closes it."""
        if cost < np.inf:
            self.model.changeColCost(index, cost)
        else:
            self.closed.add(index)
            self.model.changeColBounds(index, 0.0, 0.0)

    def cut(self, dearer: Sequence[tuple[Sequence[Column], float]]) -> bool:
        """Groups of columns cost so much more together (inf: they never go together).

        False where that is known already, which rounding alone can explain.
        """
        before = self.cuts
        together: list[int] = []
        more = 0.0
        for group, extra in dearer:
            indices = [self.columns.index(column) for column in group]
            if extra == np.inf:
                self._row(-np.inf, len(indices) - 1.0, dict.fromkeys(indices, 1.0))
                self.cuts += 1
            else:
                together += indices
                more += extra
        known = self.model.getSolution().col_value[self.extra]
        if more > known + 1e-6:
            row: Terms = dict.fromkeys(together, -more)
            row[self.extra] = 1.0
            self._row(-more * (len(together) - 1), np.inf, row)
            self.cuts += 1
        return self.cuts > before

    def _one_driver(self, request: int, after: int, changed: int | None) -> None:
        """A leg that a driver drives: the leg before it is the driver's, unserved, or a change."""
        drivers = {driver_of(duty) for duty in self.problem.duties}
        for driver in sorted(drivers):
            row: Terms = {self.unserved[after]: -1.0}
            if changed is not None:
                row[changed] = -1.0
            for leg, sign in ((request, 1.0), (after, -1.0)):
                for index in self.bearing[leg]:
                    if driver_of(self.problem.duties[self.columns[index].duty]) == driver:
                        row[index] = row.get(index, 0.0) + sign
            self._row(-np.inf, 0.0, {index: value for index, value in row.items() if value})

    def _variable(self, cost: float, upper: float = 1.0) -> int:
        none = np.zeros(0, dtype=np.int32)
        self.model.addCol(cost, 0.0, upper, 0, none, np.zeros(0))
        return int(self.model.getNumCol()) - 1

    def _row(self, lower: float, upper: float, terms: Terms) -> None:
        index = np.array(list(terms), dtype=np.int32)
        values = np.array(list(terms.values()))
        self.model.addRow(lower, upper, len(index), index, values)

    def _run(self) -> NDArray[np.float64]:
        self.model.run()
        if self.model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            status = self.model.modelStatusToString(self.model.getModelStatus())
            raise RuntimeError(f"HiGHS did not prove an optimum: {status}")
        return np.array(self.model.getSolution().col_value)
