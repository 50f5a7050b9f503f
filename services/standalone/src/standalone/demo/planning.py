"""Loads the synthetic day into a company and has it planned, through the public API alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from atmr_engine.formats.csv_writing import write_csv
from atmr_engine.formats.day import Day
from standalone.demo.client import DispatchClient
from standalone.demo.errors import DemoError

__all__ = ["Planner"]

POLL_S = 0.1
PATIENT_POLLS = 30
ENDED = {"completed", "failed", "cancelled"}


@dataclass(frozen=True, kw_only=True)
class Planner:
    """What a day needs to get its plan."""

    client: DispatchClient
    announce: Callable[[str], None]
    solver_seconds: float

    async def planned(self, day: Day) -> tuple[dict[str, Any], bool]:
        """The day's plan, and whether it was there already: then nothing is loaded again."""
        plan = await self.client.plan(day.date)
        if plan["version"]:
            return plan, True
        size = f"{len(day.bookings)} bookings, {len(day.duties)} duties"
        self.announce(f"Loading a synthetic day: {size}.")
        await self._load(day)
        self.announce("Planning it ...")
        await self._plan(day.date)
        return await self.client.plan(day.date), False

    async def _load(self, day: Day) -> None:
        """Import both files; what an earlier, interrupted run has loaded stays as it is."""
        files = write_csv(day)
        for kind, text in (("duties", files.duties), ("bookings", files.bookings)):
            report = await self.client.import_csv(kind, text, day.date)
            for row in (report, *report["rows"]):
                if row["errors"]:
                    where = f"row {row['row']}" if "row" in row else "the file"
                    raise DemoError(
                        f"The synthetic {kind} were refused: {where}: {row['errors'][0]['message']}"
                    )

    async def _plan(self, day: date) -> None:
        run = await self.client.request_run(day, self.solver_seconds)
        shown, polls = 0, 0
        while run["state"] not in ENDED:
            await asyncio.sleep(POLL_S)
            run = await self.client.run(run["id"])
            polls += 1
            if run["state"] == "queued" and polls == PATIENT_POLLS:
                self.announce("  the planner is compiled first: half a minute, on a first run only")
            for stage in run["stages"][shown:]:
                self.announce(_stage(stage))
            shown = len(run["stages"])
        if run["state"] != "completed":
            raise DemoError(f"The dispatch run {run['id']} {run['state']}: {run['error']}")


def _stage(stage: dict[str, Any]) -> str:
    objective = stage["objective"]
    result = "" if objective is None else f", objective {objective:.1f}"
    return f"  {stage['stage']}: {stage['seconds']:.2f} s{result}"
