"""A question to the data plane between its request and its answer, whichever way it came in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rl_inference.dataplane.asking import Answer
from rl_inference.errors import DataPlaneError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rl_inference.dataplane.asking import Ask
    from rl_inference.doors.data_plane import DataPlane
    from rl_inference.doors.http_answer import HttpAnswer

Headers = dict[bytes, bytes]
"""Names in lower case; of a repeated one the last value."""
Outcome = Answer | DataPlaneError


@dataclass(slots=True)
class Prepared:
    """An ask that is ready to be submitted, and how its outcome is put into words.

    Whoever submits it sets `ask.done`. `told` never raises.
    """

    ask: Ask
    told: Callable[[Outcome], HttpAnswer]


class Exchange(Protocol):
    """A hot route: reads a request, and words its answer."""

    def takes(self, headers: Headers) -> bool:
        """Whether the headers are plain; what they alone make wrong is answered before a body."""
        ...

    def prepare(
        self, target: Mapping[str, str | None], headers: Headers, body: bytes | bytearray
    ) -> Prepared:
        """The ask in a request; `target` has what the path names.

        Raises:
            DataPlaneError: when there is none in it, or another error of the route's protocol.

        """
        ...


def unanswered(_: Outcome) -> None:
    """Stands in `ask.done` until somebody waits for the outcome."""


async def outcome_of(plane: DataPlane, ask: Ask) -> Outcome:
    """Submit and wait; when the caller goes away, the ask is cancelled."""
    waiting: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def done(outcome: Outcome) -> None:
        if not waiting.done():
            waiting.set_result(outcome)

    ask.done = done
    try:
        plane.submit(ask)
    except DataPlaneError as refusal:
        return refusal
    try:
        return await waiting
    finally:
        ask.cancelled = not waiting.done() or waiting.cancelled()
