"""`make bench-running-day`: thousands of events on running days: commitments, told times, repairs.

Every event is answered by insertion and a repair in iterations. At every n-th event the same rest
of the day is solved three times beside: by insertion alone, by a repair of one second, and by a
full re-plan; what the repair recovers is its gain over insertion, as a share of the re-plan's.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field

from support.noisy_days import noisy_day
from support.progress_bar import ProgressBar

from atmr_engine import Budget, evaluate, solve, warmup
from atmr_engine.simulate.conduct import Conduct
from atmr_engine.simulate.day_state import DayState
from atmr_engine.simulate.events import Event, EventKind
from atmr_engine.simulate.execution import drive
from atmr_engine.simulate.noise import MINUTE, Noise
from atmr_engine.simulate.policies import Decision, Repair
from atmr_engine.simulate.remainder import remainder
from atmr_engine.simulate.slack import Slack

COUNTED = frozenset(
    {
        EventKind.BOOKED,
        EventKind.CANCELLED,
        EventKind.READY,
        EventKind.NOT_READY,
        EventKind.NO_SHOW,
        EventKind.BROKEN_DOWN,
    }
)
"""What happens to a dispatcher; a vehicle that ends a stop as planned is no event."""
LOST = frozenset({EventKind.REFUSED, EventKind.MOVED})


@dataclass
class Sample:
    """Costs of the rest of a day, in equivalent minutes (docs of `Weights`)."""

    inserted: float
    repaired: float
    replanned: float


@dataclass
class Watched:
    """A repair policy that counts the events, and measures at every `every`-th of them."""

    policy: Repair
    every: int
    repair: Budget
    replan: Budget
    events: Counter[EventKind] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)

    def decide(self, state: DayState, event: Event) -> Decision:
        if event.kind in COUNTED:
            self.events[event.kind] += 1
            if self.events.total() % self.every == 0:
                self.samples.append(self._sample(state))
        return self.policy.decide(state, event)

    def _sample(self, state: DayState) -> Sample:
        rest = remainder(state)
        inserted, repaired, replanned = (
            evaluate(rest.problem, solve(rest.problem, budget, warm_start=rest.present)).total
            for budget in (Budget(iterations=0), self.repair, self.replan)
        )
        return Sample(inserted, repaired, replanned)


def say(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def recovered(samples: list[Sample]) -> float | None:
    """The repairs' gains over insertion as a share of the re-plans'; None where there were none."""
    gained = sum(sample.inserted - sample.replanned for sample in samples)
    kept = sum(sample.inserted - sample.repaired for sample in samples)
    return kept / gained if gained > 0.0 else None


def run(options: argparse.Namespace) -> tuple[Watched, Counter[EventKind]]:
    """Live days until there were enough events."""
    noise = Noise(same_day_bookings=options.same_day, breakdowns=options.breakdowns)
    slack = Slack.at_quantile(0.8, noise, buffer_s=60.0)
    conduct = Conduct(told_slack_s=options.told_slack * MINUTE)
    watched = Watched(
        policy=Repair(budget=Budget(iterations=options.repair_iterations)),
        every=options.every,
        repair=Budget(seconds=options.repair_seconds),
        replan=Budget(seconds=options.replan_seconds),
    )
    lost: Counter[EventKind] = Counter()
    bar = ProgressBar(options.events, "events")
    number = 0
    while watched.events.total() < options.events:
        day = noisy_day(number, options.bookings, options.duties, noise, options.seed)
        planning = day.planning(slack)
        plan = day.evening_plan(planning, Budget(iterations=options.iterations))
        record = drive(day.truth, planning, plan, watched, conduct)
        lost.update(event.kind for event in record if event.kind in LOST)
        number += 1
        bar.reach(watched.events.total())
    return watched, lost


def report(options: argparse.Namespace, watched: Watched, lost: Counter[EventKind]) -> None:
    events = watched.events.total()
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(watched.events.items()))
    say(f"SYNTHETIC: {options.duties} duties, {options.bookings} bookings a day, {events} events")
    say(f"- events: {kinds}")
    say(f"- broken commitments: {lost[EventKind.REFUSED]}")
    say(f"- told times moved per event: {lost[EventKind.MOVED] / events:.3f}")
    share = recovered(watched.samples)
    gain = "the re-plans gained nothing" if share is None else f"{100 * share:.1f} %"
    say(
        f"- {options.repair_seconds:g} s of repair recovers, of what {options.replan_seconds:g} s "
        f"of re-planning gain over insertion: {gain} ({len(watched.samples)} events measured)"
    )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--bookings", type=int, default=300)
    parser.add_argument("--duties", type=int, default=40)
    parser.add_argument("--same-day", type=float, default=0.3, help="share booked on the day")
    parser.add_argument("--breakdowns", type=float, default=0.02, help="probability per duty")
    parser.add_argument("--told-slack", type=float, default=5.0, help="minutes a repair may move")
    parser.add_argument("--iterations", type=int, default=2_000, help="of the evening's plan")
    parser.add_argument("--repair-iterations", type=int, default=60, help="of each answer")
    parser.add_argument("--every", type=int, default=200, help="measure at every n-th event")
    parser.add_argument("--repair-seconds", type=float, default=1.0)
    parser.add_argument("--replan-seconds", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> int:
    options = parsed()
    warmup()
    watched, lost = run(options)
    report(options, watched, lost)
    return int(lost[EventKind.REFUSED] > 0)


if __name__ == "__main__":
    sys.exit(main())
