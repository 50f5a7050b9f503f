"""`make bench-api`: SERVING.md's booking goals, each as a ratio in one interleaved run.

The server has one core, the database and the clients share the other. Prints the server's own
processor time per request, which moves less between moments than requests per second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import asyncpg
import psutil
import uvloop
from bare_bookings import make_tables
from http_load import Load, put_load
from support.api_bench_world import BenchWorld, make_world

from atmr_common.database.engine import Database
from atmr_common.database.migrations import upgrade
from standalone.embedded_postgres import EmbeddedPostgres

SERVER = Path(__file__).with_name("booking_server.py")
WAYS = (
    ("bare", "usual"),
    ("bare", "single"),
    ("bare", "group"),
    ("full", "sqlmodel"),
    ("full", "plain"),
    ("full", "express"),
    ("full", "express+relay"),
)
REPORT = Path(".make/bench-api.json")


@dataclass
class Way:
    """One server, and its figures round by round."""

    kind: str
    name: str
    port: int
    process: psutil.Process
    rounds: list[dict[str, float]] = field(default_factory=list)

    def median(self, figure: str) -> float:
        return median(each[figure] for each in self.rounds)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def server(kind: str, name: str, url: str, folder: Path) -> Iterator[Way]:
    process = subprocess.Popen(
        [sys.executable, str(SERVER), kind, name, url, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield Way(kind, name, port, psutil.Process(process.pid))
    finally:
        process.kill()
        process.wait()


async def measured(way: Way, world: BenchWorld, connections: int, seconds: float) -> None:
    request = world.request(full=way.kind == "full")
    await put_load(way.port, request, connections=connections, seconds=seconds / 4)  # warm
    before = way.process.cpu_times()
    load = await put_load(way.port, request, connections=connections, seconds=seconds)
    after = way.process.cpu_times()
    used = after.user + after.system - before.user - before.system
    _refuse_refusals(way, load)
    way.rounds.append(
        {
            "per_second": load.per_second,
            "cpu_us": used / load.done * 1e6,
            "p50_ms": load.percentile(0.5),
            "p99_ms": load.percentile(0.99),
        }
    )


def _refuse_refusals(way: Way, load: Load) -> None:
    if load.refused or not load.done:
        raise SystemExit(f"{way.kind} {way.name}: {load.refused} refused: {load.first_refusal!r}")


async def warm(ways: list[Way], world: BenchWorld, url: str) -> None:
    """Fill the tables a little, and let the planner know: autovacuum would within a minute."""
    for way in ways:
        await put_load(way.port, world.request(full=way.kind == "full"), connections=4, seconds=0.5)
    connection = await asyncpg.connect(url)
    await connection.execute("ANALYZE")
    await connection.close()


async def prepare(url: str, folder: Path) -> BenchWorld:
    await upgrade(url, package="dispatch_api", schema="dispatch")
    await make_tables(url)
    database = Database(url, schema="dispatch")
    try:
        return await make_world(database, folder)
    finally:
        await database.aclose()


def report(ways: list[Way], connections: int) -> None:
    found = {(way.kind, way.name): way for way in ways}
    peers = {"bare": found["bare", "usual"], "full": found["full", "sqlmodel"]}
    say(f"\n{connections} connections, median of rounds; load average {os.getloadavg()[0]:.2f}")
    say(f"{'':6}{'way':16}{'req/s':>8}{'ratio':>8}{'API CPU us':>12}{'p50 ms':>9}{'p99 ms':>9}")
    for way in ways:
        ratio = way.median("per_second") / peers[way.kind].median("per_second")
        figures = [way.median(name) for name in ("per_second", "cpu_us", "p50_ms", "p99_ms")]
        say(
            f"{way.kind:6}{way.name:16}{figures[0]:8.0f}{ratio:8.2f}"
            f"{figures[1]:12.0f}{figures[2]:9.2f}{figures[3]:9.2f}"
        )
    goals = {
        "bare, single statements: at least 4 times": _ratio(found, "bare", "single", "usual") >= 4,
        "bare, group commit: at least 7 times": _ratio(found, "bare", "group", "usual") >= 7,
        "bare, API CPU at most 270 us": found["bare", "group"].median("cpu_us") <= 270,
        "full: at least 4 times": _ratio(found, "full", "express", "sqlmodel") >= 4,
        "full, API CPU at most 350 us": found["full", "express"].median("cpu_us") <= 350,
        "full, p99 at most 15 ms": found["full", "express"].median("p99_ms") <= 15,
    }
    for goal, met in goals.items():
        say(f"{'met   ' if met else 'MISSED'} {goal}")
    REPORT.parent.mkdir(exist_ok=True)
    rounds = {f"{way.kind} {way.name}": way.rounds for way in ways}
    REPORT.write_text(json.dumps({"connections": connections, "rounds": rounds}, indent=2))


def _ratio(found: dict[tuple[str, str], Way], kind: str, name: str, peer: str) -> float:
    return found[kind, name].median("per_second") / found[kind, peer].median("per_second")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    os.sched_setaffinity(0, {1})
    with (
        tempfile.TemporaryDirectory(prefix="atmr-bench-", ignore_cleanup_errors=True) as name,
        ExitStack() as stack,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        folder = Path(name)
        folder.chmod(0o755)
        postgres = stack.enter_context(EmbeddedPostgres(folder / "postgres"))
        url = postgres.plain_url
        world = runner.run(prepare(url, folder))
        ways = [stack.enter_context(server(kind, way, url, folder)) for kind, way in WAYS]
        runner.run(warm(ways, world, url))
        for number in range(options.rounds):
            for way in ways:
                runner.run(measured(way, world, options.connections, options.seconds))
                figures = way.rounds[-1]
                say(
                    f"round {number + 1}  {way.kind} {way.name:14}"
                    f"{figures['per_second']:8.0f} req/s {figures['cpu_us']:6.0f} us"
                    f" p99 {figures['p99_ms']:.1f} ms"
                )
        report(ways, options.connections)
    return 0


if __name__ == "__main__":
    sys.exit(main())
