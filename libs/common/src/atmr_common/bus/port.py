"""Publish and subscribe by topic and key, as a port: at least once, in order per key.

BusUnavailableError      the messages were perhaps not accepted: publish them again
├── TopicMissingError    the broker does not know the topic
MessageTooLargeError     the broker will never accept it
UndecodableError         raised by a receiver: dead letter at once
DependencyDownError      raised by a receiver: its partition waits, nothing is dead-lettered
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

DEAD_LETTER = ".dead-letter"
"""Ends the name of the topic where a topic's dead letters go."""


class BusUnavailableError(Exception):
    """The broker did not accept all messages in time; some may have arrived, so publish again."""

    tells_no_personal_data = True


class TopicMissingError(BusUnavailableError):
    """The broker does not know the topic."""

    def __init__(self, topic: str) -> None:
        super().__init__(
            f"The broker has no topic {topic!r}: make the topics with `atmr topics apply`."
        )


class MessageTooLargeError(ValueError):
    """A message that the broker would refuse however often it is published."""


class UndecodableError(Exception):
    """A receiver cannot read the message, and never will: it goes to the dead letters at once.

    Say what is wrong without what stands there: the sentence goes into headers and logs.
    """

    tells_no_personal_data = True


class DependencyDownError(Exception):
    """A receiver could not do its work because something that it needs does not answer."""


NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Message(NamedTuple):
    """One record of a topic; a receiver also learns where and when the bus took it in.

    A named tuple, since the relay makes one of every event: a frozen dataclass takes three times
    as long to make.
    """

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str] = NO_HEADERS
    partition: int | None = None
    """Where it stands; None until it was published. Messages of one key share a partition."""
    offset: int | None = None
    """Its place in the partition, growing by one or more."""
    accepted_at_ms: int | None = None
    """When the bus took it in, in milliseconds since 1970 (UTC)."""


Receiver = Callable[[Message], Awaitable[None]]
Lag = dict[tuple[str, int], int]
"""Messages that wait, by topic and partition."""


class Bus(Protocol):
    """A message broker, or something that behaves like one."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Hand the messages over; returns when every one is accepted.

        Messages of one key keep the order of the sequence.

        Raises:
            BusUnavailableError: nothing may be assumed about any of them; publish all again.
            MessageTooLargeError: and nothing was published.

        """

    async def subscribe(self, topics: Sequence[str], group: str, receiver: Receiver) -> None:
        """Deliver every message of `topics` once per group to `receiver`, in order per key.

        Returns at once, also when the broker is away: it is asked again until it answers. A new
        group begins at the earliest message that the broker keeps; MemoryBus keeps none, and
        begins at the subscription. What is delivered was perhaps delivered before.

        A receiver that raises UndecodableError sends the message to `<topic>.dead-letter`. While
        something that it needs is down (DependencyDownError, or what the bus takes for it), the
        partition waits and the message is tried again without limit. Any other error: three
        retries, then the dead letters, and the next message follows.

        Raises:
            ValueError: when this bus has a receiver for the group already.

        """

    async def tail(self, topics: Sequence[str], receiver: Receiver) -> None:
        """Deliver every later message to `receiver`, without a group: each process gets all.

        For nudges and live views. Nothing is remembered, and nothing is repeated: an error of the
        receiver is logged and counted, and the next message follows. With the broker away, later
        means after it came back for the first time.
        """

    async def lag(self, group: str) -> Lag:
        """Messages of the group's partitions in this process that were not received yet.

        Raises:
            BusUnavailableError: when the broker does not answer.

        """

    async def aclose(self) -> None:
        """Stop delivering: messages that are being received are finished, and remembered."""
