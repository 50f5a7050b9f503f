"""`make bench-continuity`: standing orders for a month: how many drivers, how steady, at what cost.

SYNTHETIC. Some clients of the first day come again two or three times a week at the same hours, as
dialysis patients do, among other bookings that differ every day. Each day is planned twice: without
a word about the days before, and with the drivers who know a patient and the time that was told at
first. The cost is the objective's without what those wishes and unserved requests cost. Budgets are
iterations, so figures can be repeated.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import mean, median

from support.noisy_days import FIRST_DAY, constrained, travel_between
from support.progress_bar import ProgressBar

from atmr_engine import Budget, Plan, Problem, Promise, Request, StopKind, evaluate, solve
from atmr_engine.formats.day import BookingRecord, Day
from atmr_engine.simulate.demand import Demand, generate_day

MOMENTS = ("pickup_from", "pickup_to", "appointment_at", "ready_forecast")
MOST_KNOWN = 2
"""Drivers of a patient who count as known: the third is the one for their days off."""
SLACK_S = 300.0
GOAL_DRIVERS, GOAL_SPREAD_MIN, GOAL_COST = 3, 10.0, 0.02
RESULT = Path("docs/benchmarks/continuity.csv")


@dataclass
class Memory:
    """Of standing orders: who drove a patient how often, when a leg was fetched (seconds)."""

    drivers: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    pickups: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def wishes(self, problem: Problem, unfamiliar: float) -> Problem:
        """The problem with what is known of standing orders, a stranger at `unfamiliar` a leg."""
        weights = replace(problem.weights, unfamiliar_drivers=unfamiliar)
        return replace(problem, requests=tuple(map(self._wish, problem.requests)), weights=weights)

    def _wish(self, request: Request) -> Request:
        """The drivers who know the patient, and the time that was told at first."""
        told = self.pickups.get(request.id)
        if not told:
            return request
        known = self.drivers[patient(request.id)].most_common(MOST_KNOWN)
        return replace(
            request,
            promise=Promise(begin_s=told[0], slack_s=SLACK_S),
            familiar=frozenset(driver for driver, _ in known),
        )

    def learn(self, problem: Problem, plan: Plan) -> None:
        for route in plan.routes:
            driver = problem.duties[problem.duty_index[route.duty]].driver
            for stop in route.stops:
                if stop.kind is StopKind.PICKUP and is_standing(stop.request or ""):
                    self.drivers[patient(stop.request or "")][driver] += 1
                    self.pickups[stop.request or ""].append(stop.begin_s)


def is_standing(booking: str) -> bool:
    return booking.startswith("standing ")


def patient(booking: str) -> str:
    """Outbound leg and return are one patient's."""
    return booking.rsplit(" ", 1)[0]


def standing_orders(first: Day, patients: int) -> list[list[BookingRecord]]:
    """Journeys of the first day with a return whose time is known, renamed: a pair of legs each."""
    by_id = {record.id: record for record in first.bookings}
    pairs = [
        (by_id[record.linked_booking_id], record)
        for record in first.bookings
        if record.linked_booking_id in by_id and not record.will_call
    ]
    orders = []
    for number, (out, back) in enumerate(pairs[:patients]):
        names = (f"standing {number} out", f"standing {number} back")
        linked = replace(back, id=names[1], linked_booking_id=names[0])
        orders.append([replace(out, id=names[0]), linked])
    return orders


def on(day: date, record: BookingRecord, first: date) -> BookingRecord:
    """The booking on another day, at the same hour."""
    later = {name: moved(getattr(record, name), day - first) for name in MOMENTS}
    return replace(record, **later)


def moved(moment: datetime | None, by: timedelta) -> datetime | None:
    return None if moment is None else moment + by


def month(options: argparse.Namespace) -> list[Problem]:
    """Its working days, as problems."""
    days = [FIRST_DAY + timedelta(days=k // 5 * 7 + k % 5) for k in range(options.days)]
    made = [
        constrained(generate_day(Demand(bookings=options.bookings, duties=options.duties, day=day)))
        for day in days
    ]
    orders = standing_orders(made[0], options.patients)
    problems = []
    for number, day in enumerate(made):
        due = [order for k, order in enumerate(orders) if (number % 5 + k) % 2 == 0]
        standing = [on(day.date, record, days[0]) for order in due for record in order]
        others = day.bookings[: options.bookings - len(standing)]
        known = {record.id for record in others}
        kept = [r for r in others if r.linked_booking_id is None or r.linked_booking_id in known]
        mixed = replace(day, bookings=(*standing, *kept))
        problems.append(mixed.problem(travel_between(mixed)))
    return problems


def operation(problem: Problem, plan: Plan) -> float:
    """What a plan costs by `problem`, less what unserved requests cost."""
    cost, weights = evaluate(problem, plan), problem.weights
    left_out = weights.unserved * cost.unserved + weights.unserved_priority * cost.unserved_priority
    return cost.total - left_out


def report(name: str, memory: Memory, costs: list[float], unserved: int) -> tuple[float, float]:
    """Print one way of planning; returns the most drivers and the widest spread (95 % of each)."""
    drivers = sorted(len(seen) for seen in memory.drivers.values())
    spreads = sorted((max(at) - min(at)) / 60 for at in memory.pickups.values() if len(at) > 1)
    most, widest = drivers[int(0.95 * len(drivers))], spreads[int(0.95 * len(spreads))]
    say(
        f"{name:12}  drivers {mean(drivers):4.1f} mean, {most} at 95 %, {drivers[-1]} most; pickup"
        f" spread {median(spreads):5.1f} min median, {widest:5.1f} at 95 %; cost {sum(costs):.0f},"
        f" unserved {unserved}"
    )
    return most, widest


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--patients", type=int, default=40)
    parser.add_argument("--bookings", type=int, default=200)
    parser.add_argument("--duties", type=int, default=27)
    parser.add_argument("--unfamiliar", type=float, default=30.0, help="cost of a strange driver")
    parser.add_argument("--iterations", type=int, default=20_000)
    options = parser.parse_args()
    budget = Budget(iterations=options.iterations)
    ways = {"blind": Memory(), "continuity": Memory()}
    costs: dict[str, list[float]] = {name: [] for name in ways}
    unserved = dict.fromkeys(ways, 0)
    problems = month(options)
    bar = ProgressBar(2 * len(problems), "plans")
    for number, problem in enumerate(problems):
        for name, memory in ways.items():
            wished = problem
            if name == "continuity":
                wished = memory.wishes(problem, options.unfamiliar)
            plan = solve(wished, budget, seed=number)
            memory.learn(problem, plan)
            costs[name].append(operation(problem, plan))
            unserved[name] += len(plan.unserved)
            bar.advance()
    figures = {
        name: report(name, memory, costs[name], unserved[name]) for name, memory in ways.items()
    }
    more = sum(costs["continuity"]) / sum(costs["blind"]) - 1.0
    write(costs)
    most, widest = figures["continuity"]
    met = most <= GOAL_DRIVERS and widest <= GOAL_SPREAD_MIN and more <= GOAL_COST
    say(f"continuity costs {100 * more:.2f} % more: the goal is {'met' if met else 'MISSED'}")
    return 0 if met else 1


def write(costs: dict[str, list[float]]) -> None:
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    with RESULT.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["day", *costs])
        rows.writerows([day, *each] for day, each in enumerate(zip(*costs.values(), strict=True)))


if __name__ == "__main__":
    sys.exit(main())
