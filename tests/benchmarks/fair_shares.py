"""`make bench-fair-shares`: what it costs to share the working minutes out more evenly.

SYNTHETIC days with nearly every constraint. Each is planned without regard to fairness; from that
plan the search goes on for as long again, without fairness and with the plan's fair shares at
growing weights, so that all are compared after the same effort. The spread is the standard
deviation of the regular duties' working minutes. The cost is the objective's without fairness and
without what unserved requests cost, which are told beside. Budgets are iterations, so figures can
be repeated.
"""

from __future__ import annotations

import argparse
import csv
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
from support.noisy_days import noisy_day
from support.progress_bar import ProgressBar

from atmr_engine import Budget, Plan, Problem, evaluate, solve
from atmr_engine.fairness import with_fairness, working_minutes
from atmr_engine.problem import DriverKind
from atmr_engine.simulate.noise import Noise

WEIGHTS = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
GOAL_SPREAD, GOAL_COST = 0.5, 0.015
RESULT = Path("docs/benchmarks/fair-shares.csv")


@dataclass(frozen=True)
class Shared:
    """A day planned at one weight: spread in minutes, cost in units of the objective."""

    day: int
    weight: float
    spread_min: float
    cost: float
    unserved: int


def shared(problem: Problem, plan: Plan, day: int, weight: float) -> Shared:
    """The figures of a plan; `problem` is the one without fairness."""
    minutes = working_minutes(problem, plan)
    regular = [d.id for d in problem.duties if d.driver_kind is DriverKind.REGULAR]
    cost, weights = evaluate(problem, plan), problem.weights
    left_out = weights.unserved * cost.unserved + weights.unserved_priority * cost.unserved_priority
    spread = float(np.std([minutes[name] for name in regular]))
    return Shared(day, weight, spread, cost.total - left_out, cost.unserved)


def curve(day: int, options: argparse.Namespace, bar: ProgressBar) -> list[Shared]:
    """One day, without fairness first."""
    problem = noisy_day(day, options.bookings, options.duties, Noise()).problem
    budget = Budget(iterations=options.iterations)
    blind = solve(problem, budget, seed=day)
    points = [shared(problem, solve(problem, budget, day, blind), day, 0.0)]
    for weight in options.weights:
        plan = solve(with_fairness(problem, blind, weight), budget, day, blind)
        points.append(shared(problem, plan, day, weight))
        bar.advance()
    return points


def report(points: list[Shared]) -> bool:
    """Print means over the days by weight; whether some weight reaches the goal."""
    blind = {point.day: point for point in points if point.weight == 0.0}
    say("weight   spread min   of it without   cost more %   unserved")
    reached = False
    for weight in sorted({point.weight for point in points}):
        same = [point for point in points if point.weight == weight]
        spread = mean(point.spread_min for point in same)
        share = mean(point.spread_min / blind[point.day].spread_min for point in same)
        more = mean(point.cost / blind[point.day].cost - 1.0 for point in same)
        unserved = sum(point.unserved for point in same)
        say(f"{weight:6.1f}   {spread:10.1f}   {share:13.2f}   {100 * more:11.2f}   {unserved:8d}")
        reached = reached or (share <= GOAL_SPREAD and more <= GOAL_COST)
    verdict = "met" if reached else "MISSED"
    say(f"goal: a spread of {GOAL_SPREAD} of it for {100 * GOAL_COST} %: {verdict}")
    return reached


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--bookings", type=int, default=300)
    parser.add_argument("--duties", type=int, default=40)
    parser.add_argument("--iterations", type=int, default=60_000)
    parser.add_argument("--weights", type=float, nargs="+", default=WEIGHTS)
    options = parser.parse_args()
    points: list[Shared] = []
    bar = ProgressBar(options.days * len(options.weights), "plans")
    for day in range(options.days):
        points += curve(day, options, bar)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    with RESULT.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(Shared.__dataclass_fields__)
        rows.writerows([p.day, p.weight, p.spread_min, p.cost, p.unserved] for p in points)
    return 0 if report(points) else 1


if __name__ == "__main__":
    sys.exit(main())
