"""`atmr patients verify-log`: computes the seals of the log of reads again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dispatch_api.patients.access_log_check import Head, LogVerdict, heads_of, verify_access_log
from dispatch_api.patients.command_workplace import UNUSABLE, WRONG, Workplace, at_work, stop
from dispatch_api.patients.key_versions import all_companies


def verify_log(
    *,
    witness: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Keep each chain's verified end here, and compare."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check that nobody changed the log of reads; exit code 1 names the first broken seal."""
    heads = _read_heads(witness)

    async def body(place: Workplace) -> list[LogVerdict]:
        companies = sorted({*await all_companies(place.database), *heads})
        return [
            await verify_access_log(place.database, company_id, heads.get(company_id))
            for company_id in companies
        ]

    verdicts = at_work(body)
    intact = all(verdict.broken is None for verdict in verdicts)
    if as_json:
        listed = [asdict(verdict) | {"company_id": str(verdict.company_id)} for verdict in verdicts]
        typer.echo(json.dumps({"intact": intact, "companies": listed}))
    else:
        _print(verdicts)
    if not intact:
        raise typer.Exit(WRONG)
    if witness is not None:
        _write_heads(witness, verdicts)


def _read_heads(witness: Path | None) -> dict[UUID, Head]:
    """Empty where the file is not there yet."""
    if witness is None or not witness.exists():
        return {}
    try:
        return heads_of(json.loads(witness.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        stop(f"{witness} is not a file that this command wrote ({error}).", UNUSABLE)


def _write_heads(witness: Path, verdicts: Sequence[LogVerdict]) -> None:
    heads = {
        str(verdict.company_id): asdict(verdict.head)
        for verdict in verdicts
        if verdict.head is not None
    }
    unfinished = witness.with_name(witness.name + ".unfinished")
    try:
        unfinished.write_text(json.dumps(heads, indent=1) + "\n", encoding="utf-8")
        unfinished.replace(witness)
    except OSError as error:
        stop(f"{witness} cannot be written ({error.strerror}); choose another folder.", UNUSABLE)


def _print(verdicts: Sequence[LogVerdict]) -> None:
    table = Table("company", "seals", "entries", "not sealed yet", "verdict")
    for verdict in verdicts:
        counts = (verdict.seals, verdict.entries, verdict.unsealed)
        colour = "green" if verdict.broken is None else "red"
        said = escape(verdict.broken or "intact")
        table.add_row(str(verdict.company_id), *map(str, counts), f"[{colour}]{said}[/{colour}]")
    Console().print(table)
