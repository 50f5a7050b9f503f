"""`atmr asyncapi`: the events' description as it is committed under docs/asyncapi."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer


def command(
    out: Annotated[
        Path | None, typer.Option(help="Folder to write events.json to; else print it.")
    ] = None,
) -> None:
    """Print the AsyncAPI document of all events, or write it into a folder."""
    from atmr_common.contracts.asyncapi import document  # noqa: PLC0415 (other commands start faster)

    described = document(version("atmr-common"))
    text = json.dumps(described, indent=2, ensure_ascii=False) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "events.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(
            f"{out} cannot be written ({error.strerror}); choose another folder",
            param_hint="--out",
        ) from None
    typer.echo(f"wrote {out / 'events.json'}")
