"""`atmr import` against a dispatch-api that listens."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import typer
import uvicorn
from click.testing import Result
from support.dispatch_client import DispatchApi
from typer.testing import CliRunner

from atmr_common.web.identity import Role
from dispatch_api.imports.command import command

BOOKINGS = (
    "booking_id,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,pickup_from,mobility\n"
    "A-1,46.20,6.14,46.19,6.15,2026-03-16T08:10,wheelchair\n"
)
BAD = BOOKINGS + "A-2,46.20,6.14,46.19,6.15,,wheelchair\n"
DUTIES = (
    "duty_id,driver,vehicle,seats,shift_start,shift_end\n"
    "D-1,Ana,Van 1,4,2026-03-16T07:00,2026-03-16T16:00\n"
)


@pytest.fixture
async def url(dispatch_api: DispatchApi) -> AsyncIterator[str]:
    """Connections wait in the socket's queue until the server is up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(dispatch_api.app, lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving


@pytest.fixture
def token(dispatch_api: DispatchApi, company_id: UUID) -> str:
    return dispatch_api.issuer.issue(
        subject="importer",
        role=Role.DISPATCHER,
        company_id=company_id,
        audience="atmr",
        lifetime=timedelta(hours=1),
    )


async def _run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(command)
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


def _written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


async def test_both_files_are_imported(url: str, token: str, tmp_path: Path) -> None:
    duties = _written(tmp_path, "duties.csv", DUTIES)
    bookings = _written(tmp_path, "bookings.csv", BOOKINGS)
    arguments = [bookings, "--duties", duties, "--url", url, "--token", token]
    done = await _run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    reports = json.loads(done.output.splitlines()[-1])  # the server logs to the same output
    assert {kind: report["counts"] for kind, report in reports.items()} == {
        "duties": {"created": 1},
        "bookings": {"created": 1},
    }
    again = await _run(*arguments)
    assert (again.exit_code, "bookings: 1 unchanged" in again.output) == (0, True)


async def test_refused_rows_are_shown_and_end_with_one(
    url: str, token: str, tmp_path: Path
) -> None:
    bad = _written(tmp_path, "bad.csv", BAD)
    done = await _run(bad, "--url", url, "--token", token, "--dry-run")
    assert done.exit_code == 1
    assert "1 created, 1 refused (nothing was imported)" in done.output
    assert "A-2" in done.output
    assert "no time at either end" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"--token": "nonsense"}, "bearer token"),
        ({"--url": "http://127.0.0.1:1"}, "Is the server running?"),
        ({"--date": "tomorrow"}, "not valid"),
    ],
)
async def test_what_cannot_be_sent_is_said_and_ends_with_two(
    url: str, token: str, tmp_path: Path, change: dict[str, str], said: str
) -> None:
    options = {"--url": url, "--token": token} | change
    flat = [part for option in options.items() for part in option]
    done = await _run(_written(tmp_path, "bookings.csv", BOOKINGS), *flat)
    assert done.exit_code == 2
    assert said in done.output
