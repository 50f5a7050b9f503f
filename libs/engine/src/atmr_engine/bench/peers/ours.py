"""The engine itself, through its public door."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from atmr_engine.bench.judging import node_routes
from atmr_engine.bench.peers.peer import Found
from atmr_engine.budget import Budget
from atmr_engine.solver import solve
from atmr_engine.warmup import warmup

if TYPE_CHECKING:
    from atmr_engine.bench.peers.peer import Search
    from atmr_engine.formats.benchmark import Instance
    from atmr_engine.solver import Progress


class Ours:
    """`solve` with a budget in seconds, compiled before the first search."""

    def __init__(self) -> None:
        warmup(fleet=True)

    def state(self, instance: Instance) -> Search:
        """Nothing to do: a benchmark is read as a problem of ours."""
        return partial(_search, instance)


def _search(instance: Instance, seconds: float, seed: int) -> Found:
    """One search; a full plan is there when the cost is below that of one unserved request.

    That is told at the end of each chunk of the search (some hundredths of a second), and only
    where distance is all that counts: a cost of vehicles can reach that of a request.
    """
    full: list[float] = []
    weights = instance.problem.weights

    def note(progress: Progress) -> None:
        if not full and weights.duties_used == 0 and progress.cost < weights.unserved:
            full.append(progress.seconds)

    plan = solve(instance.problem, Budget(seconds=seconds), seed, progress=note)
    return Found(routes=node_routes(instance, plan), first_full_plan_s=full[0] if full else None)
