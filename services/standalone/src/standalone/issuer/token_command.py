"""`atmr token`: a bearer token of the development issuer, for trying the API."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from atmr_common.runtime.clock import SystemClock
from atmr_common.runtime.data_folder import DataSettings
from atmr_common.web.identity import Role
from standalone.issuer.signing import DevelopmentIssuer, issuer_key


def command(
    role: Annotated[Role, typer.Option(help="What the bearer is.")] = Role.DISPATCHER,
    company: Annotated[
        UUID | None, typer.Option(help="The company's id; none for a platform service.")
    ] = None,
    subject: Annotated[str, typer.Option(help="Who the bearer is.")] = "developer",
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 30, help="Valid for this long.")] = 12,
    data: Annotated[
        Path | None, typer.Option(help="Data directory of standalone (ATMR_DATA).")
    ] = None,
    audience: Annotated[str, typer.Option(help="`aud` that the service asks for.")] = "atmr",
    scope: Annotated[
        str | None,
        typer.Option(
            help="What it may be used for, such as 'bookings:read'; else all of the role's."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print a development token; it is accepted by the standalone that uses the same data."""
    if company is None and role is not Role.SERVICE:
        typer.echo(f"A {role} acts within a company: give --company ID.", err=True)
        raise typer.Exit(2)
    issuer = _issuer(data or DataSettings().data)
    token = issuer.issue(
        subject=subject,
        role=role,
        company_id=company,
        audience=audience,
        lifetime=timedelta(hours=hours),
        scope=scope,
    )
    answer = {"token": token, "role": role.value, "company_id": str(company) if company else None}
    typer.echo(json.dumps(answer) if as_json else token)


def _issuer(folder: Path) -> DevelopmentIssuer:
    """The issuer whose key lies in `folder`; says so where there was none before."""
    choice = "name standalone's data folder with --data or ATMR_DATA"
    try:
        issuer = DevelopmentIssuer(folder, SystemClock())
    except OSError as error:
        typer.echo(f"No key can be kept in {folder} ({error.strerror}): {choice}.", err=True)
        raise typer.Exit(2) from None
    except ValueError:
        typer.echo(f"The key {issuer_key(folder)} is damaged: remove it, or {choice}.", err=True)
        raise typer.Exit(2) from None
    if issuer.made_its_key:
        typer.echo(
            f"A new key was made in {folder}. A server that runs already does not take this token:"
            f" {choice}.",
            err=True,
        )
    return issuer
