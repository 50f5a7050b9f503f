"""The planned day on a terminal: routes, what is left out and why, key figures, where to go on."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from atmr_engine.formats.csv_day import SYNTHETIC_PREFIX
from atmr_engine.kpi import Kpis
from dispatch_api.csv_planning.report import figures, reasons_table, route_table
from standalone.demo.planned_day import PlannedDay

__all__ = ["print_planned_day"]


def print_planned_day(
    console: Console, planned: PlannedDay, urls: dict[str, str], data: Path
) -> None:
    """Everything about the plan, the most important last."""
    console.print(f"A SYNTHETIC day; ids are shown without {SYNTHETIC_PREFIX}", style="magenta")
    for route in planned.routes:
        console.print(route_table(route))
    _print_left_out(console, planned)
    console.print(_heading(planned), style="bold")
    console.print(_figures_table(planned))
    if planned.summary["degraded"]:
        console.print(f"Degraded: {planned.summary['degraded']}.", style="bold yellow")
    console.print("This day is SYNTHETIC: generated, no real patients.", style="magenta")
    _print_doors(console, planned, urls, data)


def _print_left_out(console: Console, planned: PlannedDay) -> None:
    if planned.unserved:
        rows = [(left["booking"], left["rule"], left["reason"]) for left in planned.unserved]
        console.print(reasons_table("Unserved", "Rule", rows))
    if planned.held:
        rows = [(held["booking"], held["rule"] or "held", held["reason"]) for held in planned.held]
        console.print(reasons_table("Held out of the plan", "State", rows))


def _heading(planned: PlannedDay) -> str:
    heading = f"{planned.day.date} in {planned.day.zone}, plan version {planned.version}"
    return heading + (" (planned by an earlier run)" if planned.reused else "")


def _figures_table(planned: PlannedDay) -> Table:
    table = Table(show_header=False, box=None)
    for name, value in figures(Kpis(**planned.summary["kpis"])):
        table.add_row(name, value)
    table.add_row("cost", f"{planned.summary['objective']:.1f}")
    table.add_row("travel times", str(planned.summary["travel_source"]))
    return table


def _print_doors(console: Console, planned: PlannedDay, urls: dict[str, str], data: Path) -> None:
    """One line each, however long, so that it can be copied."""
    console.print("Where to go on", style="bold")
    lines = [f"{name}: {url}/docs (health: {url}/readyz)" for name, url in urls.items()]
    lines.append(f"log in: {urls['dispatch-api']}/auth/login")
    lines.append(f"company: {planned.company_id}")
    lines.append(f"a token: {sys.argv[0]} token --company {planned.company_id} --data {data}")
    for line in lines:
        console.print(f"  {line}", soft_wrap=True)
