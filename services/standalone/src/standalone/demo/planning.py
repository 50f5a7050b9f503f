"""Loads the synthetic day into a company and has it planned, through the public API alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from atmr_engine.formats.csv_writing import write_csv
from atmr_engine.formats.day import Day
from standalone.demo.client import DispatchClient
from standalone.demo.errors import DemoError
from standalone.demo.warming import Warming

__all__ = ["load_day", "planned_day"]

POLL_S = 0.1
ENDED = {"completed", "failed", "cancelled"}


async def load_day(client: DispatchClient, day: Day) -> None:
    """Import both files; what is there already stays as it is."""
    files = write_csv(day)
    for kind, text in (("duties", files.duties), ("bookings", files.bookings)):
        report = await client.import_csv(kind, text)
        refused = [row for row in report["rows"] if row["errors"]]
        if refused:
            raise DemoError(
                f"{len(refused)} rows of the synthetic {kind} were refused; the first is row "
                f"{refused[0]['row']}: {refused[0]['errors'][0]['message']}"
            )


async def planned_day(
    client: DispatchClient,
    day: Day,
    solver_seconds: float,
    warming: Warming,
    announce: Callable[[str], None],
) -> tuple[dict[str, Any], bool]:
    """The day's plan, and whether it had been planned by an earlier demo."""
    plan = await client.plan(day.date)
    if plan["version"]:
        return plan, True
    await warming.done()
    announce(f"Planning {len(day.bookings)} bookings with {len(day.duties)} duties ...")
    run = await client.request_run(day.date, solver_seconds)
    shown = 0
    while run["state"] not in ENDED:
        await asyncio.sleep(POLL_S)
        run = await client.run(run["id"])
        for stage in run["stages"][shown:]:
            announce(_stage(stage))
        shown = len(run["stages"])
    if run["state"] != "completed":
        raise DemoError(f"The dispatch run {run['id']} {run['state']}: {run['error']}")
    return await client.plan(day.date), False


def _stage(stage: dict[str, Any]) -> str:
    objective = stage["objective"]
    result = "" if objective is None else f", objective {objective:.1f}"
    return f"  {stage['stage']}: {stage['seconds']:.2f} s{result}"
