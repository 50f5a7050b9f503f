"""`atmr patients`: versions of the patient key, their rotation, and the check of the log of reads.

It works on the database directly, with the settings of the service (DATABASE_URL,
ATMR_PATIENT_KEY_FILE).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from atmr_common.runtime.service_process import ConfigurationError
from dispatch_api.patients.command_workplace import UNUSABLE, WRONG, Workplace, at_work, stop
from dispatch_api.patients.key_versions import missing_versions, patients_by_version
from dispatch_api.patients.log_command import verify_log
from dispatch_api.patients.master_key import WAITING, add_key
from dispatch_api.patients.rotation import BATCH, rotate_keys
from dispatch_api.patients.vault import PatientVault

app = typer.Typer(
    name="patients",
    help="The key that protects patients' data, and the log of who read them.",
    no_args_is_help=True,
)
app.command("verify-log")(verify_log)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("keys")
def show_keys(*, as_json: AsJson = False) -> None:
    """Show which versions of the patient key are in use, and by how many patients."""
    used, vault = at_work(_used)
    rows = [
        {
            "version": version,
            "patients": used.get(version, 0),
            "in_file": version in vault.versions,
            "current": version == vault.current,
        }
        for version in sorted(used.keys() | vault.versions)
    ]
    if as_json:
        typer.echo(json.dumps({"versions": rows}))
    else:
        _print_table(rows)
    missing = missing_versions(used, vault.versions)
    if missing is not None:
        stop(f"Wrong: {missing}.", WRONG)


@app.command("add-key")
def add_version(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The key's file.")],
    *,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Let it only open, until all processes know it.")
    ] = False,
) -> None:
    """Append a fresh key of the next version to the file; the older ones stay."""
    try:
        version = add_key(file, waiting=waiting)
    except ConfigurationError as error:
        stop(str(error), UNUSABLE)
    again = f", take the word '{WAITING}' out of it and restart them again" if waiting else ""
    typer.echo(
        f"{file} has version {version} now: restart every process that uses it{again}, then run "
        "`atmr patients rotate-keys`."
    )


@app.command("rotate-keys")
def rotate(
    *,
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Patients at once.")] = BATCH,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only.")] = False,
    as_json: AsJson = False,
) -> None:
    """Wrap every patient's key by the current version; it may be stopped and run again."""

    async def body(place: Workplace) -> dict[str, Any]:
        return await _rotate(place, batch, dry_run=dry_run)

    report = at_work(body)
    if as_json:
        typer.echo(json.dumps(report))
        return
    verb = "would be" if dry_run else "were"
    typer.echo(f"{report['patients']} patients {verb} brought to version {report['current']}.")
    if not report["left"]:
        typer.echo(
            "No patient needs an older version any more. Take the older keys out of the file, and "
            "keep them elsewhere for as long as a backup from before is kept."
        )


async def _used(place: Workplace) -> tuple[dict[int, int], PatientVault]:
    return await patients_by_version(place.database), place.vault()


async def _rotate(place: Workplace, batch: int, *, dry_run: bool) -> dict[str, Any]:
    before, vault = await _used(place)
    missing = missing_versions(before, vault.versions)
    if missing is not None:
        raise ConfigurationError(f"Nothing was rotated: {missing}.")
    left = _older(before, vault)
    if dry_run:
        return _report(vault, sum(left.values()), 0, left, dry_run=True)
    patients = tokens = 0
    with _progress_bar() as bar:
        task = bar.add_task("patients", total=sum(left.values()))
        async for done in rotate_keys(place.database, vault, batch=batch):
            patients += done.patients
            tokens += done.tokens
            bar.advance(task, done.patients)
    left = _older(await patients_by_version(place.database), vault)
    return _report(vault, patients, tokens, left, dry_run=False)


def _older(used: dict[int, int], vault: PatientVault) -> dict[int, int]:
    return {version: count for version, count in used.items() if version < vault.current}


def _report(
    vault: PatientVault, patients: int, tokens: int, left: dict[int, int], *, dry_run: bool
) -> dict[str, Any]:
    return {
        "current": vault.current,
        "dry_run": dry_run,
        "patients": patients,
        "tokens": tokens,
        "left": left,
    }


def _progress_bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    return Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    )


def _print_table(rows: list[dict[str, Any]]) -> None:
    table = Table("version", "patients", "in the file", "")
    for row in rows:
        in_file = "yes" if row["in_file"] else "[red]no[/red]"
        current = "current" if row["current"] else ""
        table.add_row(str(row["version"]), str(row["patients"]), in_file, current)
    Console().print(table)
