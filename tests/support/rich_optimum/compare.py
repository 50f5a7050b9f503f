"""`make bench-optimal`: the engine beside the proven optima of the rich instances."""

from __future__ import annotations

import argparse
import sys
from statistics import mean, median

from support.rich_optimum.stored import StoredOptimum, read_optima

from atmr_engine import Budget, evaluate, solve


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, default=5)
    return parser.parse_args()


def reached(optimum: StoredOptimum, seconds: float, seeds: int) -> float:
    """The engine's cost: the median of the seeds."""
    problem = optimum.problem()
    budget = Budget(seconds=seconds)
    return median(evaluate(problem, solve(problem, budget, seed)).total for seed in range(seeds))


def main() -> None:
    options = arguments()
    optima = read_optima()
    solve(optima[0].problem(), Budget(iterations=1))  # compiled before the clock runs
    say("                        cost                     gap to the optimum, %")
    say(f"day     optimum   by custom  ours at {options.seconds:g} s     by custom      ours")
    gaps = []
    for optimum in optima:
        ours = reached(optimum, options.seconds, options.seeds)
        gaps.append((optimum.gap(optimum.customary), optimum.gap(ours)))
        say(
            f"{optimum.instance:3d} {optimum.optimum:11.3f} {optimum.customary:11.3f} {ours:11.3f}"
            f"  {100 * gaps[-1][0]:12.2f}  {100 * gaps[-1][1]:8.2f}"
        )
    by_custom, ours_gap = (100 * mean(column) for column in zip(*gaps, strict=True))
    say(f"mean gap {by_custom:43.2f}  {ours_gap:8.2f}")
    say("by custom: the best found with all drop-offs as early as possible.")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
