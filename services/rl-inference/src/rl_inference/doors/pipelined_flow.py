"""Reads no further on a connection while requests wait on it for their turn.

uvicorn reads on after each answer, although the answers to all that it has read are still to come:
a client that sends without reading could fill the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.flow_control import FlowControl

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sized


class PipelinedFlow(FlowControl):
    """uvicorn's flow control, which reads again when nothing is in `waiting`."""

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        """Read on, if every request that was read is in turn."""
        if not self._waiting:
            super().resume_reading()
