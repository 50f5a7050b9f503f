"""Refuses request bodies over a limit before they are held in memory (pure ASGI).

Whoever reads the body meets the refusal, and words it: as a problem, or as its own protocol does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_common.web.problems import TooLargeError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class LimitBody:
    """Raises where the body is read, when its declared or received length passes `max_bytes`."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = dict(scope["headers"]).get(b"content-length", b"0")
        declared = int(told) if told.isdigit() else 0
        received = 0

        async def counted() -> Message:
            nonlocal received
            self._check(declared)
            message = await receive()
            received += len(message.get("body", b""))
            self._check(received)
            return message

        await self._app(scope, counted, send)

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            raise TooLargeError(
                f"A body may hold {self._max_bytes:,} bytes; send the work in smaller parts."
            )
