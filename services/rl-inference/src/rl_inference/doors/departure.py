"""Stops what nobody waits for any more: the ordinary way's answer to a client that goes away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from starlette.types import Receive

T = TypeVar("T")


async def unless_gone(receive: Receive, answering: Coroutine[Any, Any, T]) -> T:
    """What `answering` gives; it is cancelled when the client leaves, or the caller is cancelled.

    The body must have been read: what comes after it is the end of the connection.

    Raises:
        ClientDisconnect: when the client went away first.

    """
    answer = asyncio.ensure_future(answering)
    departure = asyncio.ensure_future(_departed(receive))
    try:
        await asyncio.wait((answer, departure), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ClientDisconnect
        return answer.result()
    finally:
        answer.cancel()
        departure.cancel()


async def _departed(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
