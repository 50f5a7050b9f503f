"""`atmr openapi`: the API's description as it is committed under docs/openapi."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from atmr_common.web.openapi_file import tell


def command(
    out: Annotated[
        Path | None, typer.Option(help="Folder to write dispatch-api.json to; else print it.")
    ] = None,
) -> None:
    """Print the OpenAPI document of the dispatch API, or write it into a folder."""
    tell(document(), "dispatch-api.json", out)


def document() -> dict[str, Any]:
    """The OpenAPI document; nothing is started for it."""
    from fastapi import FastAPI  # noqa: PLC0415 (slow; other commands do not need it)
    from prometheus_client import CollectorRegistry  # noqa: PLC0415

    from atmr_common.web.service_app import create_service_app  # noqa: PLC0415
    from dispatch_api.app import describe  # noqa: PLC0415

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    description = describe(lifespan, CollectorRegistry(), max_body_bytes=1, readiness={})
    return create_service_app(description).openapi()
