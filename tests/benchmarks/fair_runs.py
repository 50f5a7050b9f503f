"""`make bench-fairness`: small runs of many companies at once beside one company's large run.

API, worker and an embedded PostgreSQL as processes of their own. Of each small run: seconds from
the request to the committed plan. SYNTHETIC days. RELIABILITY's goal: p95 of 5 s or less.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import UUID

import httpx
import psutil
from support.databases import create_database, create_migrated_template
from support.postgres import PostgresForTests
from support.stored_days import store_day
from support.tokens import TokenSigner

from atmr_common.database.engine import Database
from atmr_common.database.tenancy import OWNER
from atmr_common.web.identity import Role
from atmr_engine.simulate.demand import Demand, generate_day

DAY = date(2026, 3, 16)
ATMR = Path(sys.executable).with_name("atmr")
RESULT = Path(".make/bench-fairness.json")
GOAL_S = 5.0
POLL_S = 1.0
"""As a client would; the figures are from the server's own clock."""


def say(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def served(service: str, environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(ATMR), "serve", service], env=environment, stdout=output, stderr=output
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


class Bench:
    """One door, seen as clients of many companies."""

    def __init__(self, url: str, signer: TokenSigner) -> None:
        limits = httpx.Limits(max_connections=100)
        self.http = httpx.AsyncClient(base_url=url, limits=limits, timeout=60)
        self._signer = signer
        self._tokens: dict[tuple[Role, UUID | None], str] = {}

    def as_(self, role: Role, company: UUID | None) -> dict[str, str]:
        """A client keeps its token."""
        if (role, company) not in self._tokens:
            self._tokens[role, company] = self._signer.issue(role=role, company_id=company)
        return {"Authorization": f"Bearer {self._tokens[role, company]}"}

    async def ready(self) -> None:
        for _ in range(600):
            try:
                if (await self.http.get("/readyz")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
        raise SystemExit("the API did not become ready")

    async def company(self, name: str) -> UUID:
        answer = await self.http.post(
            "/v1/companies", json={"name": name}, headers=self.as_(Role.SERVICE, None)
        )
        return UUID(answer.raise_for_status().json()["id"])

    async def request(self, company: UUID, **fields: Any) -> str:
        answer = await self.http.post(
            "/v1/dispatch-runs",
            json={"date": str(DAY)} | fields,
            headers=self.as_(Role.DISPATCHER, company),
        )
        return str(answer.raise_for_status().json()["id"])

    async def run(self, company: UUID, run_id: str) -> dict[str, Any]:
        """Asks again where a kept connection was closed meanwhile."""
        headers = self.as_(Role.DISPATCHER, company)
        while True:
            with suppress(httpx.ReadError, httpx.RemoteProtocolError):
                answer = await self.http.get(f"/v1/dispatch-runs/{run_id}", headers=headers)
                return dict(answer.raise_for_status().json())

    async def reached(self, company: UUID, run_id: str, stage: str) -> None:
        """Returns when the stage has ended."""
        while stage not in await self.stages(company, run_id):  # noqa: ASYNC110  as a client does
            await asyncio.sleep(POLL_S)

    async def stages(self, company: UUID, run_id: str) -> set[str]:
        return {each["stage"] for each in (await self.run(company, run_id))["stages"]}

    async def ended(self, company: UUID, run_id: str) -> dict[str, Any]:
        while (run := await self.run(company, run_id))["finished_at"] is None:  # noqa: ASYNC110  as a client does
            await asyncio.sleep(POLL_S)
        return run


async def stored(url: str, company: UUID, bookings: int, duties: int, seed: int) -> None:
    day = generate_day(Demand(bookings=bookings, duties=duties, day=DAY), seed=seed)
    database = Database(url, schema="dispatch", pool_size=1)
    try:
        async with database.transaction(OWNER) as session:
            await store_day(session, company, day)
    finally:
        await database.aclose()


def seconds_of(run: dict[str, Any]) -> float:
    """By the server's clock, from the request to the commit."""
    asked, ended = (datetime.fromisoformat(run[name]) for name in ("requested_at", "finished_at"))
    return (ended - asked) / timedelta(seconds=1)


async def loop_of_livez(bench: Bench, answers: list[float]) -> None:
    while True:
        started = time.perf_counter()
        with suppress(httpx.ReadError, httpx.RemoteProtocolError):
            await bench.http.get("/livez")
        answers.append(time.perf_counter() - started)
        await asyncio.sleep(0.1)


def cpu_seconds() -> dict[str, float]:
    """What each kind of process has used so far; the large run's search is one of the children."""
    used: dict[str, float] = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            command, times = " ".join(process.cmdline()), process.cpu_times()
            kinds = ("solving.child", "dispatch-api", "dispatch-worker", "postgres")
            kind = next((kind for kind in kinds if kind in command), "other")
            used[kind] = used.get(kind, 0.0) + times.user + times.system
    used["bench"] = time.process_time()
    return used


async def measured(bench: Bench, url: str, options: argparse.Namespace) -> dict[str, Any]:
    large = await bench.company("SYNTHETIC large")
    await stored(url, large, options.large_bookings, options.large_duties, 1)
    small = [await bench.company(f"SYNTHETIC {number}") for number in range(options.companies)]
    for number, company in enumerate(small):
        bench.as_(Role.DISPATCHER, company)
        await stored(url, company, options.bookings, options.duties, number)
    warm = await bench.company("SYNTHETIC warm")
    await stored(url, warm, options.bookings, options.duties, 0)
    await bench.ended(warm, await bench.request(warm, iterations=1))
    say("stored; the large run begins")

    large_run = await bench.request(large, seconds=options.large_seconds)
    await bench.reached(large, large_run, "heuristic")
    doors: list[float] = []
    before = cpu_seconds()
    door = asyncio.create_task(loop_of_livez(bench, doors))
    asked = await asyncio.gather(*(bench.request(company) for company in small))
    runs = await asyncio.gather(*map(bench.ended, small, asked))
    door.cancel()
    after = cpu_seconds()
    cpu = {name: round(used - before.get(name, 0), 2) for name, used in after.items()}
    state = (await bench.run(large, large_run))["state"]
    headers = bench.as_(Role.DISPATCHER, large)
    await bench.http.post(f"/v1/dispatch-runs/{large_run}/cancel", headers=headers)
    return report(runs, doors, state, options) | {"cpu_s": cpu}


def report(
    runs: Sequence[dict[str, Any]], doors: list[float], large: str, options: argparse.Namespace
) -> dict[str, Any]:
    walls = sorted(seconds_of(run) for run in runs)
    percent = quantiles(walls, n=100, method="inclusive")
    solver = [stage for run in runs for stage in run["stages"] if stage["stage"] == "solver"]
    budgets = sorted(stage["detail"]["budget_s"] for stage in solver)
    stages = {
        name: sum(s["seconds"] for run in runs for s in run["stages"] if s["stage"] == name)
        / len(runs)
        for name in ("build", "travel", "heuristic", "solver", "check", "commit")
    }
    return {
        "companies": options.companies,
        "cores": len(os.sched_getaffinity(0)),
        "load_before": options.load,
        "states": sorted({run["state"] for run in runs}),
        "large_run_during": large,
        "p50_s": percent[49],
        "p95_s": percent[94],
        "worst_s": walls[-1],
        "goal_s": GOAL_S,
        "search_budget_s": [budgets[0], budgets[len(budgets) // 2], budgets[-1]],
        "shortened": sum("shortened_by" in stage["detail"] for stage in solver),
        "mean_stage_s": {name: round(seconds, 4) for name, seconds in stages.items()},
        "livez_p99_s": quantiles(doors, n=100, method="inclusive")[98],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--companies", type=int, default=50)
    parser.add_argument("--bookings", type=int, default=20)
    parser.add_argument("--duties", type=int, default=4)
    parser.add_argument("--large-bookings", type=int, default=1000)
    parser.add_argument("--large-duties", type=int, default=90)
    parser.add_argument("--large-seconds", type=float, default=60)
    parser.add_argument("--slots", type=int, help="of the worker; its own default if not given")
    options = parser.parse_args()
    options.load = os.getloadavg()[0]
    server, signer = PostgresForTests(), TokenSigner(issuer="https://bench.test/")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="atmr-bench-")))
        stack.callback(server.close)
        asyncio.run(create_migrated_template(server.url, server.template))
        url = asyncio.run(create_database(server.url, server.template))
        keys = folder / "jwks.json"
        keys.write_text(json.dumps(signer.jwks()))
        port = str(free_port())
        environment = os.environ | {
            "DATABASE_URL": url,
            "ATMR_AUTH_ISSUER": signer.issuer,
            "ATMR_AUTH_JWKS_FILE": str(keys),
            "ATMR_PATIENT_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            "ATMR_PORT": port,
            "ATMR_WORKER_PORT": "0",
            "ATMR_WORKER_SLOTS": str(options.slots or ""),
        }
        stack.enter_context(served("dispatch-api", environment, folder / "api.log"))
        stack.enter_context(served("dispatch-worker", environment, folder / "worker.log"))
        result = asyncio.run(_run(f"http://127.0.0.1:{port}", url, signer, options))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    for name, value in result.items():
        say(f"{name:>20}  {value}")
    reached = result["p95_s"] <= GOAL_S and result["states"] == ["completed"]
    return 0 if reached else 1


async def _run(
    door: str, url: str, signer: TokenSigner, options: argparse.Namespace
) -> dict[str, Any]:
    bench = Bench(door, signer)
    async with bench.http:
        await bench.ready()
        return await measured(bench, url, options)


if __name__ == "__main__":
    sys.exit(main())
