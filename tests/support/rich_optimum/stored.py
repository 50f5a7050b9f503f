"""The stored optima: `make rich-optima` writes them, tests and `make bench-optimal` read them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from support.rich_optimum.instances import fingerprint, rich_instance
from support.rich_optimum.timetables import network_of, plan_of

from atmr_engine.plan import Plan
from atmr_engine.problem import Problem

STORE = Path(__file__).parents[3] / "libs" / "engine" / "tests" / "data" / "rich_optima.json"


@dataclass(frozen=True)
class StoredOptimum:
    """A proven optimum and its plan; costs in units of the objective.

    `optimum` is over all timetables and `customary` the best found with the custom of early
    drop-offs. `unserved` is the part of the optimum that unserved requests cost. `routes` has the
    stops by duty (2 r picks request r up, 2 r + 1 drops it off, 2 R + b is the break b), `times_s`
    departure, begins of service and return, route after route.
    """

    instance: int
    fingerprint: str
    optimum: float
    customary: float
    unserved: float
    feasible_routes: int
    cuts: int
    routes: dict[str, list[int]]
    times_s: list[float]

    def problem(self) -> Problem:
        """The instance.

        Raises:
            ValueError: where this machine makes another one than was solved.

        """
        problem = rich_instance(self.instance)
        if fingerprint(problem) != self.fingerprint:
            raise ValueError(f"instance {self.instance} has changed: run 'make rich-optima'")
        return problem

    def plan(self) -> Plan:
        """The optimal plan."""
        problem = self.problem()
        sequences = {problem.duty_index[duty]: nodes for duty, nodes in self.routes.items()}
        return plan_of(network_of(problem, sequences), np.array(self.times_s))

    def gap(self, cost: float) -> float:
        """By which share of what its routes cost a plan is dearer than the optimum."""
        return (cost - self.optimum) / (self.optimum - self.unserved)


def read_optima(path: Path = STORE) -> list[StoredOptimum]:
    """The stored optima, by instance."""
    return [StoredOptimum(**entry) for entry in json.loads(path.read_text("utf-8"))]


def write_optima(optima: list[StoredOptimum], path: Path = STORE) -> None:
    """Write them, one to a line."""
    lines = ",\n".join(json.dumps(asdict(optimum)) for optimum in optima)
    path.write_text(f"[\n{lines}\n]\n", "utf-8")
