"""The demo from its options to its exit code: start, load, plan, print, serve."""

from __future__ import annotations

import json

from rich.console import Console

from atmr_common.web.identity import Role
from standalone.demo.client import DispatchClient
from standalone.demo.company import find_or_set_up
from standalone.demo.options import DemoOptions
from standalone.demo.planned_day import PlannedDay, join
from standalone.demo.planning import Planner
from standalone.demo.progress import Progress
from standalone.demo.report import print_planned_day
from standalone.process import Running, exit_code_of, running_standalone
from standalone.settings import StandaloneSettings, read_settings
from standalone.stopping import StopRequest

__all__ = ["show"]


def show(options: DemoOptions, *, once: bool, as_json: bool) -> int:
    """Run the demo to its end or to a signal; the exit code."""
    progress = Progress(Console(stderr=True, highlight=False, markup=False))

    async def body(stop: StopRequest) -> None:
        settings = read_settings(StandaloneSettings, **_chosen(options))
        async with running_standalone(settings, stop, announce=progress) as running:
            planned = await _planned(running, options, settings, progress)
            progress.pause()
            _print(planned, running, settings, as_json=as_json)
            stop.was_serving = True
            if not once:
                progress("Serving until Ctrl-C.")
                await running.until_a_part_ends()

    with progress:
        return exit_code_of(body, progress)


def _chosen(options: DemoOptions) -> dict[str, object]:
    """The settings that the command's options decide."""
    chosen: dict[str, object] = {}
    if options.data is not None:
        chosen["data"] = options.data
    if options.port is not None:
        chosen |= {"port_base": options.port, "dispatch_port": None}
    return chosen


async def _planned(
    running: Running,
    options: DemoOptions,
    settings: StandaloneSettings,
    progress: Progress,
) -> PlannedDay:
    company_id = await find_or_set_up(running, options, settings.data)
    day = options.synthetic_day()
    token = running.token(Role.DISPATCHER, company_id)
    async with DispatchClient(running.urls["dispatch-api"], token) as client:
        planner = Planner(
            client=client,
            announce=progress,
            solver_seconds=options.solver_seconds,
        )
        plan, reused = await planner.planned(day)
        bookings, duties = await client.bookings(day.date), await client.duties(day.date)
    return join(day, company_id, plan, bookings, duties, reused=reused)


def _print(
    planned: PlannedDay, running: Running, settings: StandaloneSettings, *, as_json: bool
) -> None:
    if as_json:
        print(json.dumps(planned.as_json(running.urls)), flush=True)  # noqa: T201 (the result)
        return
    console = Console(highlight=False, markup=False)
    print_planned_day(console, planned, running.urls, settings.data)
