"""The OpenAPI document of rl-inference, as it is committed under docs/openapi."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from atmr_common.bus.memory import MemoryBus
from rl_inference.app import Doors
from rl_inference.composition import make_parts
from rl_inference.settings import InferenceSettings

NOBODY = "https://issuer.invalid/"
"""It is never asked: no token is checked."""


def document() -> dict[str, Any]:
    """What the doors say of themselves; they are made for it on an empty repository."""
    with TemporaryDirectory() as folder:
        return asyncio.run(_document(Path(folder)))


async def _document(repository: Path) -> dict[str, Any]:
    settings = InferenceSettings(_env_file=None, model_repository=repository, auth_issuer=NOBODY)
    async with make_parts(settings, bus=MemoryBus()) as parts:
        return Doors(settings, parts).app.openapi()
