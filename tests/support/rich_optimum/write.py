"""`make rich-optima`: prove the optimum of each rich instance and store it."""

from __future__ import annotations

import sys
import time

from support.rich_optimum.instances import NUMBERS, fingerprint, rich_instance
from support.rich_optimum.proof import Proof
from support.rich_optimum.stored import StoredOptimum, write_optima

from atmr_engine.checker import check
from atmr_engine.objective import evaluate


def proven(number: int) -> StoredOptimum:
    """Prove one optimum.

    Raises:
        AssertionError: where the checker refuses the plan, or it costs more than the bound says.

    """
    problem = rich_instance(number)
    proof = Proof.of(problem)
    best = proof.optimum()
    customary = proof.customary(best)
    if violations := check(problem, best.plan) + check(problem, customary.plan):
        raise AssertionError(violations)
    if not best.cost <= best.bound + 1e-5:
        raise AssertionError(f"{best.cost} is not the bound {best.bound}")
    weights, cost = problem.weights, evaluate(problem, best.plan)
    left_out = weights.unserved * cost.unserved
    left_out += weights.unserved_priority * cost.unserved_priority
    return StoredOptimum(
        instance=number,
        fingerprint=fingerprint(problem),
        optimum=round(best.cost, 6),
        customary=round(customary.cost, 6),
        unserved=left_out,
        feasible_routes=len(proof.columns),
        cuts=best.cuts,
        routes={problem.duties[duty].id: list(nodes) for duty, nodes in best.sequences.items()},
        times_s=[round(float(time_s), 6) for time_s in best.times],
    )


def main() -> None:
    optima = []
    for number in NUMBERS:
        started = time.perf_counter()
        optima.append(proven(number))
        write_optima(optima)
        found, took = optima[-1], time.perf_counter() - started
        sys.stdout.write(
            f"{number:2d}  optimum {found.optimum:10.3f}  by custom {found.customary:10.3f}  "
            f"routes {found.feasible_routes:6d}  cuts {found.cuts:3d}  {took:5.1f} s\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
