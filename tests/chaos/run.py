"""`make chaos-short` and `make chaos`: the mesh under fire, and the controls that must fail."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chaos.children import Zygote
from chaos.controls import CONTROLS
from chaos.healthy import HealthyRun, healthy
from chaos.mesh import Servers, servers_running
from chaos.progress import Progress
from chaos.small_scenarios import migration_cut_short, plan_cut_short
from support.kafka_servers import Distribution

from atmr_common.observability.logs import configure_logs

ROOT = Path(__file__).parents[2]
REPORTS = ROOT / ".make" / "chaos"
HEALTHY, SMALL, ALL_CONTROLS = "healthy", "small", "controls"
LONG = HealthyRun(seed=0, bookings=10_000, kills=100, hits=20, outage_s=60.0)
OF_TWENTY, CAUGHT_OF_TWENTY = 20, 19
IN_ROTATION = 2
SHORT_PATIENCE_S, LONG_PATIENCE_S = 300.0, 7_200.0
NO_KAFKA = (
    "CHAOS SKIPPED, NOTHING WAS PROVED: there is no Kafka (Java 17 and KAFKA_HOME), and the bus in"
    " memory does not cross processes.\n"
)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--short", action="store_true", help="one run, two controls: for CI")
    parser.add_argument("--seed", type=int, default=None, help="else drawn, and printed")
    parser.add_argument("--bookings", type=int, default=None, help="in the healthy run, at least")
    parser.add_argument("--minutes", type=float, default=None, help="of its faults, at least")
    parser.add_argument("--kills", type=int, default=None, help="in it, crash points not counted")
    parser.add_argument("--hits", type=int, default=None, help="of every crash point, at least")
    parser.add_argument("--outage", type=float, default=None, help="seconds without PostgreSQL")
    parser.add_argument("--control-runs", type=int, default=None, help="of each control")
    parser.add_argument(
        "--only", choices=[HEALTHY, SMALL, ALL_CONTROLS, *CONTROLS], help="this part alone"
    )
    return parser.parse_args()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is run."""

    healthy: HealthyRun
    hits: int
    control_runs: int
    controls: list[str]
    parts: frozenset[str]
    counter_proofs: bool
    patience_s: float
    """Whatever lasts longer hangs."""


def plan_of(chosen: argparse.Namespace) -> Plan:
    """The short or the long form, with what was chosen instead."""
    seed = chosen.seed if chosen.seed is not None else random.randrange(1_000_000)
    usual = (
        HealthyRun(seed=seed, slack=5, most_rounds=1) if chosen.short else replace(LONG, seed=seed)
    )
    own = {
        name: value
        for name in ("bookings", "minutes", "kills", "hits")
        if (value := getattr(chosen, name)) is not None
    }
    if chosen.outage is not None:
        own["outage_s"] = chosen.outage
    healthy_run = replace(usual, **own)
    runs = 1 if chosen.short else OF_TWENTY
    return Plan(
        healthy=healthy_run,
        hits=max(1, healthy_run.hits),
        control_runs=runs if chosen.control_runs is None else chosen.control_runs,
        controls=_controls(chosen, seed),
        parts=frozenset({chosen.only} if chosen.only else {HEALTHY, SMALL}),
        counter_proofs=not chosen.short,
        patience_s=SHORT_PATIENCE_S
        if chosen.short
        else LONG_PATIENCE_S + 120 * healthy_run.minutes,
    )


def _controls(chosen: argparse.Namespace, seed: int) -> list[str]:
    names = list(CONTROLS)
    if chosen.only and chosen.only != ALL_CONTROLS:
        return [chosen.only] if chosen.only in CONTROLS else []
    if not chosen.short:
        return names
    first = IN_ROTATION * seed % len(names)
    return [names[(first + number) % len(names)] for number in range(IN_ROTATION)]


async def chaos(plan: Plan, distribution: Distribution) -> dict[str, Any]:
    """Everything that is planned, on one pair of servers; the report."""
    progress, seed = Progress(), plan.healthy.seed
    report: dict[str, Any] = {"at": datetime.now(UTC).isoformat(), "seed": seed}
    progress.say(f"seed {seed}: starting PostgreSQL and Kafka")
    async with servers_running(distribution) as servers, Zygote() as zygote:
        progress.say("PostgreSQL and Kafka are up")
        if HEALTHY in plan.parts:
            report[HEALTHY] = await healthy(servers, zygote, plan.healthy, progress)
            _tell_healthy(report[HEALTHY], progress)
        if SMALL in plan.parts:
            report[SMALL] = await _small(servers, plan.hits, progress)
        report["controls"] = {
            name: await _control(servers, zygote, name, plan, progress) for name in plan.controls
        }
    report["seconds"] = round(progress.seconds, 1)
    return report


async def _small(servers: Servers, hits: int, progress: Progress) -> dict[str, Any]:
    """A plan and a migration that are cut short."""
    broken: list[str] = []
    found: dict[str, int] = {}
    scenarios = (plan_cut_short(servers, hits), migration_cut_short(servers, hits))
    for verdict in await asyncio.gather(*scenarios):
        broken += verdict["broken"]
        found |= verdict["hits"]
    progress.say(f"plan and migration cut short: {found}, {broken or 'nothing half'}")
    return {"hits": found, "broken": broken}


async def _control(
    servers: Servers, zygote: Zygote, name: str, plan: Plan, progress: Progress
) -> dict[str, Any]:
    """The control's runs, and in the long form one with the product's own part, to be passed."""
    runs, caught, seconds, example = plan.control_runs, 0, 0.0, ""
    control, seed = CONTROLS[name], plan.healthy.seed
    for number in range(runs):
        began = time.monotonic()
        verdict = await control(servers, zygote, f"{name}-{number}", seed + number)
        seconds = max(seconds, time.monotonic() - began)
        caught += verdict["caught"]
        example = example or next(iter(verdict["broken"]), "")
    found = {"caught": caught, "runs": runs, "example": example, "intact": []}
    if plan.counter_proofs:
        intact = await control(servers, zygote, f"{name}-intact", seed, broken=False)
        found["intact"] = intact["broken"]
    found["enough"] = caught * OF_TWENTY >= runs * CAUGHT_OF_TWENTY and not found["intact"]
    progress.say(f"control {name}: {caught} of {runs} caught, {seconds:.1f} s at most; {example}")
    if found["intact"]:
        progress.say(f"BROKEN with nothing swapped, {name}: {found['intact']}")
    return found


def _tell_healthy(verdict: dict[str, Any], progress: Progress) -> None:
    progress.say(f"figures {verdict['figures']}")
    progress.say(f"processes {verdict['processes']}, faults {verdict['faults']}")
    progress.say(f"seconds to recover {verdict['recovery_s']}")
    for each in verdict["broken"]:
        progress.say(f"BROKEN {each}")
    progress.say(f"healthy run: {'FAILED' if verdict['broken'] else 'passed'}, {verdict['rest']}")


def passed(report: dict[str, Any]) -> bool:
    """Whether every promise was kept, and every control was caught."""
    broken = [each for part in (HEALTHY, SMALL) for each in report.get(part, {}).get("broken", [])]
    return not broken and all(each["enough"] for each in report["controls"].values())


def table(report: dict[str, Any]) -> str:
    """Crash points and controls, for a note."""
    hits = report.get(HEALTHY, {}).get("hits", {}) | report.get(SMALL, {}).get("hits", {})
    rows = [f"  {point:<20} hit {count}" for point, count in hits.items()]
    for name, each in report["controls"].items():
        rows.append(f"  {name:<20} caught {each['caught']} of {each['runs']}")
    return "\n".join(rows)


async def _until_signalled(plan: Plan, distribution: Distribution) -> dict[str, Any]:
    """Signals and the end of patience cancel the work, which cleans up behind itself."""
    work = asyncio.ensure_future(chaos(plan, distribution))
    asyncio.get_running_loop().call_later(plan.patience_s, work.cancel)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    return await work


def main() -> None:
    chosen = arguments()
    distribution = Distribution.found()
    if distribution is None:
        sys.stderr.write(NO_KAFKA)
        return
    configure_logs("ERROR", "text")
    try:
        report = asyncio.run(_until_signalled(plan_of(chosen), distribution))
    except asyncio.CancelledError:
        sys.exit("stopped, or not done in time; everything was cleaned up")
    REPORTS.mkdir(parents=True, exist_ok=True)
    path = REPORTS / f"{'short' if chosen.short else 'long'}.json"
    path.write_text(json.dumps(report, indent=2))
    verdict = "PASSED" if passed(report) else "FAILED"
    sys.stdout.write(
        f"{table(report)}\n{verdict} in {report['seconds']} s, seed {report['seed']}, report in"
        f" {path.relative_to(ROOT)}\n"
    )
    sys.exit(0 if passed(report) else 1)


if __name__ == "__main__":
    main()
