"""`atmr demo`, which `make run` calls: a synthetic day, planned, printed, and served.

Nothing heavy is imported before it is called, so that `atmr --help` is quick.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["command"]


def command(
    *,
    data: Annotated[
        Path | None, typer.Option(file_okay=False, help="Data folder; else ATMR_DATA.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65000, help="Port of the first server (8000).")
    ] = None,
    date: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day; else today.")
    ] = None,
    bookings: Annotated[int, typer.Option(min=0, max=2_000, help="Legs of transport.")] = 48,
    duties: Annotated[
        int, typer.Option(min=0, max=200, help="Vehicles with crew for a shift.")
    ] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another day.")] = 0,
    seconds: Annotated[float, typer.Option(min=0, max=600, help="Search time of the plan.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Print the plan and stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """Start everything on embedded parts with a SYNTHETIC company and its planned day.

    A later run with the same options finds company, day and plan again.
    """
    from atmr_common.runtime.leaving import leave  # noqa: PLC0415 (with the others)
    from standalone.demo.options import ZONE, DemoOptions  # noqa: PLC0415 (it is heavy)
    from standalone.demo.show import show  # noqa: PLC0415 (it is heavy)

    options = DemoOptions(
        day=date.date() if date is not None else datetime.now(ZONE).date(),
        bookings=bookings,
        duties=duties,
        seed=seed,
        solver_seconds=seconds,
        data=data,
        port=port,
    )
    leave(show(options, once=once, as_json=as_json))
