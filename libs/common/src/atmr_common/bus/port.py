"""Publish and subscribe by topic and key, as a port: at least once, in order per key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One record of a topic."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Receiver = Callable[[Message], Awaitable[None]]


class Bus(Protocol):
    """A message broker, or something that behaves like one."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Hand the messages over; returns when every one is accepted."""

    async def subscribe(self, topics: Sequence[str], group: str, receiver: Receiver) -> None:
        """Deliver every later message of `topics` once per group to `receiver`, in order per key.

        A message whose receiver keeps failing goes to `<topic>.dead-letter` with the error in its
        headers, and the next one follows.
        """

    async def aclose(self) -> None:
        """Stop delivering, after the message that is being received."""
