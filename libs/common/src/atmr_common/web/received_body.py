"""Reads a body before the application does, and hands it over as if nobody had (pure ASGI)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Message, Receive


async def read_body(receive: Receive) -> tuple[list[Message], bytes | None]:
    """What was received, and the body; None when the client went away before its end."""
    messages, parts = [], []
    while True:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request":
            return messages, None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return messages, b"".join(parts)


def received_again(messages: list[Message], receive: Receive) -> Receive:
    """What was received once more, and then what comes."""
    waiting = iter(messages)

    async def replay() -> Message:
        message = next(waiting, None)
        return await receive() if message is None else message

    return replay
