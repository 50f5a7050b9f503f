"""`make bench-day`: the Geneva operator's day times ten, planned through the API of a real server.

Prints the wall time from the request to the plan that can be read, for several synthetic days.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from statistics import median

from atmr_common.web.identity import Role
from atmr_engine.formats.csv_writing import write_csv
from atmr_engine.formats.day import Day
from atmr_engine.simulate.demand import Demand, generate_day
from standalone.demo.client import DispatchClient
from standalone.process import exit_code_of, running_standalone
from standalone.settings import StandaloneSettings
from standalone.stopping import StopRequest

FIRST_DAY = date(2026, 3, 9)
POLL_S = 0.02


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def measured(
    client: DispatchClient, day: Day, seconds: float
) -> tuple[float, dict[str, float]]:
    """Wall seconds until the plan was read, and each stage's own."""
    files = write_csv(day)
    await client.import_csv("duties", files.duties, day.date)
    await client.import_csv("bookings", files.bookings, day.date)
    started = time.perf_counter()
    run = await client.request_run(day.date, seconds)
    while run["state"] not in {"completed", "failed", "cancelled"}:
        await asyncio.sleep(POLL_S)
        run = await client.run(run["id"])
    plan = await client.plan(day.date)
    wall = time.perf_counter() - started
    kpis = plan["summary"]["kpis"]
    say(
        f"{day.date}  {wall:5.2f} s  served {kpis['served']} of {kpis['requests']}  "
        + "  ".join(f"{stage['stage']} {stage['seconds']:.2f}" for stage in run["stages"])
    )
    return wall, {stage["stage"]: stage["seconds"] for stage in run["stages"]}


def bench(options: argparse.Namespace, data: Path) -> Callable[[StopRequest], object]:
    async def body(stop: StopRequest) -> None:
        settings = StandaloneSettings(data=data, port_base=0, database_url=None)
        async with running_standalone(settings, stop, announce=say) as running:
            platform = running.token(Role.SERVICE)
            async with DispatchClient(running.urls["dispatch-api"], platform) as service:
                company = await service.set_up_company("SYNTHETIC bench", "Europe/Zurich")
            token = running.token(Role.DISPATCHER, company)
            async with DispatchClient(running.urls["dispatch-api"], token) as client:
                warm = generate_day(Demand(bookings=2, duties=1, day=date(2026, 3, 1)), seed=0)
                await measured(client, warm, 0)
                walls = []
                for number in range(options.days):
                    moved = FIRST_DAY + timedelta(days=number)
                    wanted = Demand(bookings=options.bookings, duties=options.duties, day=moved)
                    day = generate_day(wanted, seed=number)
                    walls.append((await measured(client, day, options.seconds))[0])
        say(
            f"{options.bookings} bookings x {options.duties} duties, search {options.seconds:g} s: "
            f"median {median(walls):.2f} s, worst {max(walls):.2f} s wall"
        )

    return body


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bookings", type=int, default=115)
    parser.add_argument("--duties", type=int, default=30)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    with tempfile.TemporaryDirectory(prefix="atmr-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        return exit_code_of(bench(parser.parse_args(), Path(folder) / "data"), say)


if __name__ == "__main__":
    sys.exit(main())
