"""A planned day on a terminal: routes, key figures, and what is left out with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from atmr_engine.formats.csv_day import SYNTHETIC_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from atmr_engine.formats.day import DayDescription
    from atmr_engine.formats.day_description import RouteLines, StopLine
    from atmr_engine.kpi import Kpis
    from dispatch_api.csv_planning.planning import PlannedDay

STOP_NAMES = {
    "start": "leave",
    "pickup": "pick up",
    "dropoff": "drop off",
    "break": "break",
    "end": "return",
}


def shown(text: str) -> str:
    """Text from a file as a terminal may show it: control characters are replaced."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def short(text: str) -> str:
    """An id or a name for a table, without the mark of synthetic days (which stands above)."""
    return shown(text).replace(SYNTHETIC_PREFIX, "")


def print_day(console: Console, planned: PlannedDay, warnings: Sequence[str]) -> None:
    """Everything about the plan, the most important last."""
    description = planned.description
    if planned.day.synthetic:
        console.print(f"A SYNTHETIC day; ids are shown without {SYNTHETIC_PREFIX}", style="magenta")
    for route in description.routes:
        console.print(route_table(route))
    _print_left_out(console, planned, description)
    console.print(_figures_table(planned))
    for warning in warnings:
        console.print(f"Warning: {shown(warning)}", style="yellow")
    _print_marks(console, planned)


def route_table(route: RouteLines) -> Table:
    names = " · ".join(dict.fromkeys((route.duty, route.driver, route.vehicle)))
    table = Table(title=short(names), title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.add_column("Time", no_wrap=True)
    table.add_column("Stop", no_wrap=True)
    table.add_column("Booking", no_wrap=True, overflow="fold")
    table.add_column("Patient", overflow="fold")
    table.add_column("Place", overflow="fold")
    table.add_column("On", justify="right")
    for stop in route.stops:
        table.add_row(*_cells(stop), style="dim" if stop.booking is None else None)
    return table


def _cells(stop: StopLine) -> tuple[str, ...]:
    patient = stop.patient_ref or ""
    if stop.mobility not in {None, "ambulatory"}:
        patient = f"{patient} ({stop.mobility})".strip()
    return (
        f"{stop.begin:%H:%M}",
        STOP_NAMES[stop.kind],
        short(stop.booking or ""),
        short(patient),
        shown(stop.place),
        str(stop.riders or ""),
    )


def _print_left_out(console: Console, planned: PlannedDay, description: DayDescription) -> None:
    unserved = [(left["booking"], left["rule"], left["reason"]) for left in description.unserved]
    if unserved:
        console.print(reasons_table("Unserved", "Rule", unserved))
    held = [(held.booking.id, "held", held.reason) for held in planned.held]
    if held:
        console.print(reasons_table("Held out of the plan", "State", held))


def reasons_table(title: str, second: str, rows: Iterable[tuple[str, str, str]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold red", box=SIMPLE_HEAD)
    table.add_column("Booking", no_wrap=True)
    table.add_column(second, no_wrap=True)
    table.add_column("Why", overflow="fold")
    for row in rows:
        table.add_row(*(short(cell) for cell in row))
    return table


def _figures_table(planned: PlannedDay) -> Table:
    title = f"{planned.day.date} in {planned.day.zone}"
    table = Table(
        title=title, title_justify="left", title_style="bold", show_header=False, box=None
    )
    table.add_column("Figure")
    table.add_column("Value", justify="right")
    for name, value in figures(planned.kpis):
        table.add_row(name, value)
    table.add_row("cost", f"{planned.cost.total:.1f}")
    table.add_row("search", f"{planned.plan.iterations} iterations, {planned.plan.seconds:.1f} s")
    return table


def figures(kpis: Kpis) -> list[tuple[str, str]]:
    """The key figures of docs/kpi.md as people read them."""
    ratio = "-" if kpis.ride_over_direct is None else f"{kpis.ride_over_direct:.2f}"
    return [
        ("served", f"{kpis.served} of {kpis.requests}"),
        ("appointments on time", f"{kpis.appointments_on_time} of {kpis.appointments}"),
        ("pickups on time", f"{kpis.pickups_on_time} of {kpis.served}"),
        ("worst lateness", f"{kpis.worst_lateness_min:.0f} min"),
        ("ride over direct", ratio),
        ("km loaded", f"{kpis.loaded_km:.1f}"),
        ("km empty", f"{kpis.empty_km:.1f}"),
        ("overtime", f"{kpis.overtime_min:.0f} min"),
        ("working time", f"{kpis.working_min:.0f} min"),
        ("workload spread", f"{kpis.working_spread_min:.0f} min"),
        ("gap in trips", f"{kpis.trip_gap}"),
        ("duties used", f"{kpis.duties_used} ({kpis.emergency_duties_used} emergency)"),
    ]


def _print_marks(console: Console, planned: PlannedDay) -> None:
    if planned.day.synthetic:
        console.print("This day is SYNTHETIC: generated, no real patients.", style="magenta")
    if planned.travel_degraded:
        console.print(
            f"Degraded: travel times are {planned.travel_source} ({planned.travel_degraded}).",
            style="bold yellow",
        )
    elif planned.travel_source == "great_circle":
        console.print("Travel times are great-circle estimates; --osrm URL asks a road router.")
    if planned.violations:
        console.print("The checker refuses this plan:", style="bold red")
        for violation in planned.violations:
            console.print(f"  {shown(violation.message)}", style="red")
