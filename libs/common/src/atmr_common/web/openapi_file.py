"""Prints a service's OpenAPI document, or writes it where it is committed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer


def tell(document: dict[str, Any], file_name: str, out: Path | None) -> None:
    """Print the document; with `out`, write it into that folder instead.

    Raises:
        typer.BadParameter: when the folder cannot be written.

    """
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / file_name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(
            f"{out} cannot be written ({error.strerror}); choose another folder",
            param_hint="--out",
        ) from None
    typer.echo(f"wrote {out / file_name}")
