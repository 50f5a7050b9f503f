"""`atmr import`: send CSV files to a running dispatch-api, and show its report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

REFUSED = 1
UNREACHABLE = 2
TIMEOUT_S = 120.0
BAD = frozenset({"refused", "conflict", "left_out"})
NOT_FOUND_REMEDY = "Is the server running? Is --url right?"

CsvFile = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="Bookings CSV.")
]
DutiesFile = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, readable=True, help="Duties CSV.")
]


def command(
    bookings: CsvFile,
    *,
    token: Annotated[
        str, typer.Option(envvar="ATMR_TOKEN", help="Bearer token; `atmr token` prints one.")
    ],
    url: Annotated[str, typer.Option(help="Where dispatch-api is.")] = "http://127.0.0.1:8000",
    duties: DutiesFile = None,
    date: Annotated[str | None, typer.Option(help="The day of the files, as 2026-03-16.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Report what would happen.")] = False,
    strict: Annotated[bool, typer.Option(help="A bad row refuses its whole file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the reports as JSON.")] = False,
) -> None:
    """Import a day's bookings, and its duties before them; exit code 1 when rows were refused."""
    parameters = {"dry_run": str(dry_run).lower(), "strict": str(strict).lower()}
    parameters |= {"date": date} if date else {}
    files = {"duties": duties, "bookings": bookings}
    reports: dict[str, Any] = {}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/csv"}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S) as client:
            for kind, file in files.items():
                if file is not None:
                    reports[kind] = _send(client, kind, file, parameters)
    except httpx.HTTPError as error:
        _stop(f"{url} did not answer ({type(error).__name__}: {error}). {NOT_FOUND_REMEDY}")
    except (httpx.InvalidURL, UnicodeError) as error:
        _stop(f"{url!r} is no URL, or the token is none ({error}).")
    if as_json:
        typer.echo(json.dumps(reports))
    else:
        _print(reports)
    if any(_has_bad(report) for report in reports.values()):
        raise typer.Exit(REFUSED)


def _send(
    client: httpx.Client, kind: str, file: Path, parameters: dict[str, str]
) -> dict[str, Any]:
    answer = client.post(f"/v1/imports/{kind}", params=parameters, content=file.read_bytes())
    try:
        body: dict[str, Any] = answer.json()
    except ValueError:
        _stop(f"{client.base_url} answered {answer.status_code} with no JSON. {NOT_FOUND_REMEDY}")
    if answer.is_error:
        _stop(f"{file}: {body.get('detail', 'refused')} ({answer.status_code})")
    return body


def _stop(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(UNREACHABLE)


def _has_bad(report: dict[str, Any]) -> bool:
    return bool(report["errors"]) or any(row["result"] in BAD for row in report["rows"])


def _print(reports: dict[str, Any]) -> None:
    console = Console()
    for kind, report in reports.items():
        counts = ", ".join(f"{count} {result}" for result, count in report["counts"].items())
        done = "" if report["applied"] else " (nothing was imported)"
        console.print(f"[bold]{kind}[/bold]: {counts or 'no rows'}{done}")
        for warning in report["warnings"]:
            console.print(f"  warning: {escape(warning)}")
        for error in report["errors"]:
            console.print(f"  [red]{escape(_sentence(error))}[/red]")
        table = _table(report["rows"])
        if table.row_count:
            console.print(table)


def _table(rows: list[dict[str, Any]]) -> Table:
    """The rows about which there is something to say."""
    table = Table("row", "id", "result", "what to know")
    for row in rows:
        said = [_sentence(error) for error in row["errors"]]
        said += [f"warning: {warning}" for warning in row["warnings"]]
        if said:
            colour = "red" if row["result"] in BAD else "yellow"
            table.add_row(
                str(row["row"]),
                escape(row["reference"]),
                f"[{colour}]{row['result']}[/{colour}]",
                escape("\n".join(said)),
            )
    return table


def _sentence(error: dict[str, Any]) -> str:
    column = f"{error['column']}: " if error["column"] else ""
    return f"{column}{error['message']} — {error['remedy']}"
