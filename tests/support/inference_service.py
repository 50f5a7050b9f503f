"""The whole inference service on a real socket: models on disk, tokens, and both ways in."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from support.tokens import TokenSigner

from atmr_common.bus.memory import MemoryBus
from atmr_common.web.identity import Role
from atmr_common.web.server import server_part
from rl_inference.app import Doors, follow_models
from rl_inference.composition import Parts, make_parts
from rl_inference.settings import InferenceSettings


@dataclass(frozen=True)
class Served:
    """A running service, and who may use it."""

    client: httpx.AsyncClient
    parts: Parts
    bus: MemoryBus
    signer: TokenSigner

    def token(self, role: Role = Role.SERVICE, **claims: Any) -> dict[str, str]:
        token = self.signer.issue(role=role, claims=claims or None)
        return {"Authorization": f"Bearer {token}"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def serving(repository: Path, **named: Any) -> AsyncIterator[Served]:
    """The service on a free port; `named` are settings."""
    settings = InferenceSettings(
        _env_file=None, model_repository=repository, port=free_port(), model_poll_s=3600, **named
    )
    signer, bus = TokenSigner(), MemoryBus()
    async with make_parts(settings, bus=bus, jwks=signer.jwks()) as parts:
        doors = Doors(settings, parts)
        server = server_part(
            doors.app, host=settings.host, port=settings.port, drain_s=1, http=doors.protocol
        )
        following = asyncio.create_task(follow_models(settings, parts))
        await server.start()
        url = f"http://{settings.host}:{settings.port}"
        try:
            async with httpx.AsyncClient(base_url=url) as client:
                yield Served(client, parts, bus, signer)
        finally:
            await server.stop()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await bus.aclose()
