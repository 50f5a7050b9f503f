"""`make bench-days`: planned days, driven under noise: who is on time, by policy and by slack.

Free-flow times are the great circle's, demand is generated, noise is that of `Noise` with bookings
of the day besides: nothing here is measured on a road. Every policy lives the same days.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field

from support.noisy_days import NoisyDay, noisy_day
from support.progress_bar import ProgressBar

from atmr_engine import Budget, warmup
from atmr_engine.simulate.comparison import (
    DayFigures,
    Estimate,
    estimate,
    estimates,
    paired_differences,
)
from atmr_engine.simulate.execution import drive
from atmr_engine.simulate.foresight import drive_foreseen
from atmr_engine.simulate.noise import Noise
from atmr_engine.simulate.policies import Follow, Insert, Policy, Repair
from atmr_engine.simulate.results import results
from atmr_engine.simulate.slack import Slack

FORESIGHT = "perfect information"
HEADINGS = {
    "on_time": ("on time %", 100.0),
    "very_late": ("> 15 min late %", 100.0),
    "unserved": ("unserved %", 100.0),
    "duty_hours": ("duty h", 1.0),
    "overtime_hours": ("overtime h", 1.0),
    "ride_over_direct": ("ride / direct", 1.0),
    "moved": ("told times moved", 1.0),
    "refused": ("commitments broken", 1.0),
}


@dataclass
class Row:
    """What one policy made of all days."""

    days: list[DayFigures] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def say(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def slacks(noise: Noise) -> dict[str, Slack]:
    """Planning times from none to generous; P80 is the quantile of the noise."""
    return {
        "free flow": Slack(),
        "free flow + 60 s": Slack(buffer_s=60.0),
        "P80 + 60 s": Slack.at_quantile(0.8, noise, buffer_s=60.0),
        "P80 + 120 s": Slack.at_quantile(0.8, noise, buffer_s=120.0),
        "P95 + 180 s": Slack.at_quantile(0.95, noise, buffer_s=180.0),
    }


def live(
    day: NoisyDay, options: argparse.Namespace, noise: Noise, rows: dict[tuple[str, str], Row]
) -> None:
    """One day under every slack and policy."""
    policies: dict[str, Policy] = {
        "follow": Follow(),
        "insert": Insert(),
        "repair": Repair(budget=Budget(iterations=options.repair_iterations)),
    }
    evening = Budget(iterations=options.iterations)
    for name, slack in slacks(noise).items():
        if options.slack and name not in options.slack:
            continue
        planning = day.planning(slack)
        plan = day.evening_plan(planning, evening)
        for label, policy in policies.items():
            started = time.perf_counter()
            record = drive(day.truth, planning, plan, policy)
            row = rows.setdefault((name, label), Row())
            row.seconds.append(time.perf_counter() - started)
            row.days.append(DayFigures.of(results(day.problem, record)))
    if not options.no_foresight:
        started = time.perf_counter()
        record = drive_foreseen(day.truth, evening)
        row = rows.setdefault(("", FORESIGHT), Row())
        row.seconds.append(time.perf_counter() - started)
        row.days.append(DayFigures.of(results(day.problem, record)))


def shown(value: Estimate, scale: float) -> str:
    return f"{scale * value.mean:.2f} ± {scale * value.half_width:.2f}"


def table(rows: dict[tuple[str, str], Row]) -> None:
    """Means with 95 % intervals, and the seconds that a day takes to simulate."""
    names = " | ".join(heading for heading, _ in HEADINGS.values())
    say(f"| planned with | policy | {names} | s per day |")
    say("| --- " * (3 + len(HEADINGS)) + "|")
    for (slack, policy), row in rows.items():
        found = estimates(row.days)
        cells = " | ".join(shown(found[name], scale) for name, (_, scale) in HEADINGS.items())
        say(f"| {slack} | {policy} | {cells} | {estimate(row.seconds).mean:.1f} |")


def differences(rows: dict[tuple[str, str], Row]) -> None:
    """What each policy changes against the one before it, day by day."""
    say()
    say("Paired differences, day by day:")
    for slack in dict.fromkeys(name for name, _ in rows if name):
        for one, other in (("follow", "insert"), ("insert", "repair")):
            found = paired_differences(rows[slack, one].days, rows[slack, other].days)
            parts = ", ".join(
                f"{HEADINGS[name][0]} {shown(found[name], HEADINGS[name][1])}"
                for name in ("on_time", "very_late", "unserved", "duty_hours")
            )
            say(f"- {slack}, {other} less {one}: {parts}")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--bookings", type=int, default=300)
    parser.add_argument("--duties", type=int, default=40)
    parser.add_argument("--same-day", type=float, default=0.15, help="share booked on the day")
    parser.add_argument("--iterations", type=int, default=2_000, help="of the evening's plan")
    parser.add_argument("--repair-iterations", type=int, default=60, help="of each repair")
    parser.add_argument("--slack", action="append", help="only this one; may be repeated")
    parser.add_argument("--no-foresight", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> int:
    options = parsed()
    noise = Noise(same_day_bookings=options.same_day)
    warmup()
    rows: dict[tuple[str, str], Row] = {}
    bar = ProgressBar(options.days, "days")
    for number in range(options.days):
        day = noisy_day(number, options.bookings, options.duties, noise, options.seed)
        live(day, options, noise, rows)
        bar.advance()
    say(
        f"SYNTHETIC: {options.days} days, {options.duties} duties, {options.bookings} bookings, "
        f"{100 * options.same_day:g} % of journeys booked on the day; {noise}"
    )
    table(rows)
    differences(rows)
    say()
    say(
        "On time: fetched within 5 minutes of the time told first, and at an appointment 0 to 30 "
        "minutes before it. Perfect information is found by the same search: no proven bound."
    )
    return 0 if all(figures.refused == 0 for row in rows.values() for figures in row.days) else 1


if __name__ == "__main__":
    sys.exit(main())
