"""The run that must pass: clients book while processes, servers and networks fail.

First under armed crash points and faults in a drawn order; then calm, with one kill of each kind
whose recovery is measured.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from chaos.children import Launcher, Plain, crash_hits, summary
from chaos.clients import Clients
from chaos.faults import Done, Faults
from chaos.history import ACKNOWLEDGED, INVOKED, read
from chaos.mesh import Environment, Run, Servers, a_run
from chaos.progress import Progress

API_POINTS = {
    "relay.published": 0.02,
    "http.committed": 0.01,
    "relay.deleted": 0.02,
    "relay.mid_batch": 0.06,
}
CONSUMER_POINT, OFTEN = "consumer.handled", 0.003
"""With what chance each kills when it is passed: such that a life lasts some seconds."""
LOGS = Path(__file__).parents[2] / ".make" / "chaos" / "healthy"
"""Where the history, the state and the processes' logs of the last run are."""
AROUND = (
    *("kill api",) * 3,
    *("kill consumer", "kill postgres", "kill broker", "kill redis", "postgres outage"),
    *("reset", "latency", "silence", "throttle"),
)
"""The faults of one round."""
ROUND_S, CATCH_UP_S = 38.0, 30.0
MOST_SERVER_ERRORS = 0
"""A database that is away or dying is told as 503."""
MISSED_S = 8.0
"""After so long, a consumer that was killed is missed, and its heir has its partitions."""
SHORT_OUTAGE_S = 5.0
BUSY_PAUSE_S, CALM_PAUSE_S = 0.05, 0.3
SETTLE_S, STILL_S = 60.0, 15.0
GOALS_S = {"api": 2.0, "relay": 2.0, "postgres": 5.0, "consumer": 10.0}
WINDOWS_S = {"api": 4.0, "postgres": 7.0, "consumer": 11.0}


@dataclass(frozen=True, kw_only=True)
class HealthyRun:
    """How long and how hard: rounds of faults go on until all of it is reached."""

    seed: int
    bookings: int = 1_000
    minutes: float = 0.0
    kills: int = 0
    hits: int = 0
    """Of every crash point of the mesh."""
    most_rounds: int = 200
    outage_s: float = 8.0
    """In the first round; later ones have a short outage."""
    slack: float = 1.0
    """How many times the goals of recovery it may take, where the machine is not ours alone."""


class Armed:
    """Crash points of each life, until `calm`: of those of an API, the one least often hit."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.calm = False
        self.run: Run | None = None

    def hits(self) -> dict[str, int]:
        ended = crash_hits(self.run.ends) if self.run else {}
        return {point: ended.get(point, 0) for point in (*API_POINTS, CONSUMER_POINT)}

    def api(self, number: int) -> Environment:
        def environment(life: int) -> dict[str, str]:
            hits, points = self.hits(), list(API_POINTS)
            turned = points[life + 2 * number :] + points[: life + 2 * number]
            point = min(turned, key=lambda each: hits[each])
            return self._at(f"{point}:{API_POINTS[point]}", 100 * life + number)

        return environment

    def consumer(self, life: int) -> dict[str, str]:
        return self._at(f"{CONSUMER_POINT}:{OFTEN}", 100 * life)

    def _at(self, points: str, number: int) -> dict[str, str]:
        return {} if self.calm else {"ATMR_CRASH_AT": f"{points}@{self._seed + number}"}


async def healthy(
    servers: Servers, launcher: Launcher, plan: HealthyRun, progress: Progress
) -> dict[str, Any]:
    """The verdict of the checker, with figures, hits and recoveries."""
    armed = Armed(plan.seed)
    api = (armed.api(0), armed.api(1))
    async with a_run(
        servers, "healthy", launcher, api=api, consumer=armed.consumer, keep=LOGS
    ) as run:
        armed.run = run
        progress.say(f"two APIs with relays and a consumer are up (seed {plan.seed})")
        clients = Clients(run.urls, run.world, run.history, seed=plan.seed, pause_s=BUSY_PAUSE_S)
        clients.begin()
        faults = Faults(run, seed=plan.seed, outage_s=plan.outage_s)
        await _rounds(run, armed, faults, plan, progress)
        armed.calm, clients.pause_s = True, CALM_PAUSE_S
        measured = await _measured(run, faults)
        until = time.monotonic() + CATCH_UP_S
        while run.history.bookings < plan.bookings and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.2)  # the last of the bookings, where the machine is slow
        await clients.end()
        progress.say(f"calm again: {run.history.bookings} bookings; waiting for rest")
        verdict = await run.judged(limit_s=SETTLE_S, still_s=STILL_S)
        state = json.loads((run.folder / "state.json").read_text())
        recovery = _recoveries(read(run.folder / "history.jsonl"), state, measured)
        verdict |= {"recovery_s": recovery, "processes": summary(run.ends), "hits": armed.hits()}
        verdict |= {"faults": dict(Counter(each.what for each in faults.done))}
        return verdict | {"broken": verdict["broken"] + _shortcomings(verdict, plan)}


async def _rounds(
    run: Run, armed: Armed, faults: Faults, plan: HealthyRun, progress: Progress
) -> None:
    for number in range(1, plan.most_rounds + 1):
        await faults.strike(list(AROUND), within_s=ROUND_S)
        faults.outage_s = min(faults.outage_s, SHORT_OUTAGE_S)
        progress.say(f"round {number}: {run.history.bookings} bookings, {_ends(run)}")
        kills = sum("kill" in each.what or "outage" in each.what for each in faults.done)
        reached = (
            run.history.bookings >= plan.bookings,
            progress.seconds >= 60 * plan.minutes,
            kills >= plan.kills,
            min(armed.hits().values()) >= plan.hits,
        )
        if all(reached):
            return


def _ends(run: Run) -> str:
    told = summary(run.ends)
    return f"{told['killed']} kills, crash points {told['crash_points']}"


async def _measured(run: Run, faults: Faults) -> list[Done]:
    """One kill of each kind, with the load on and no other trouble."""
    for process in run.processes:  # lives with armed points, and such as were forked, end here
        process.launcher = Plain()
        process.kill()
    await asyncio.gather(run.until_ready(), asyncio.sleep(MISSED_S))
    measured = []
    for kind, window_s in WINDOWS_S.items():
        measured.append(Done(kind))
        await faults.kinds[f"kill {kind}"]()
        await asyncio.sleep(max(0.0, measured[-1].at + window_s - time.monotonic()))
    return measured


def _recoveries(
    history: list[dict[str, Any]], state: dict[str, Any], measured: list[Done]
) -> dict[str, float]:
    """Seconds: answers to clients, publications, answers again, effects again."""
    kills = {done.what: done for done in measured}
    invoked = {line["operation"]: line["at"] for line in history if line["told"] == INVOKED}
    answered = [line for line in history if line["told"] == ACKNOWLEDGED]
    api = kills["api"]
    waited = [
        line["at"] - api.at
        for line in answered
        if invoked[line["operation"]] <= api.at < line["at"]
    ]
    published = [
        row["at_ms"] - row["recorded_at_ms"]
        for row in _first_published(state)
        if -1_000 < row["recorded_at_ms"] - api.at_ms < WINDOWS_S["api"] * 1_000
    ]
    acknowledged = [line["at"] for line in answered]
    applied = [row["at_ms"] / 1_000 for row in state["applied"]]
    postgres, consumer = kills["postgres"], kills["consumer"]
    found = {
        "api": max(waited, default=0.0),
        "relay": max(published, default=0.0) / 1_000,
        "postgres": _silence(acknowledged, postgres.at, WINDOWS_S["postgres"]),
        "consumer": _silence(applied, consumer.at_ms / 1_000, WINDOWS_S["consumer"]),
    }
    return {name: round(seconds, 2) for name, seconds in found.items()}


def _first_published(state: dict[str, Any]) -> list[dict[str, Any]]:
    first: dict[str, dict[str, Any]] = {}
    for row in sorted(state["topic"], key=lambda each: each["at_ms"]):
        first.setdefault(row["event_id"], row)
    return list(first.values())


def _silence(moments: list[float], begin: float, window: float) -> float:
    """The longest time without any, from `begin` on."""
    within = sorted(moment for moment in moments if begin < moment < begin + window)
    edges = [begin, *within, begin + window]
    return max(later - earlier for earlier, later in pairwise(edges))


def _shortcomings(verdict: dict[str, Any], plan: HealthyRun) -> list[str]:
    """What makes a run worthless, or too slow, though no promise was broken."""
    figures, found = verdict["figures"], []
    if figures["published_again"] + figures["delivered_again"] <= 0:
        found.append("nothing was ever delivered again: the inbox was not tried")
    if figures["bookings_acknowledged"] < plan.bookings:
        found.append(f"only {figures['bookings_acknowledged']} bookings")
    if figures["server_errors"] > MOST_SERVER_ERRORS:
        found.append(f"{figures['server_errors']} answers were a 500")
    found += [
        f"{what} did not come back within {window_s} s"
        for what, window_s in WINDOWS_S.items()
        if verdict["recovery_s"][what] >= window_s
    ]
    if not verdict["processes"]["crash_points"]:
        found.append("no crash point was reached")
    found += [
        f"{point} was hit {count} times only"
        for point, count in verdict["hits"].items()
        if count < plan.hits
    ]
    found += [f"ended by itself: {each}" for each in verdict["processes"]["others"]]
    for what, seconds in verdict["recovery_s"].items():
        if seconds > GOALS_S[what] * plan.slack:
            found.append(f"{what} came back after {seconds} s, and {GOALS_S[what]} s is the goal")
    return found
