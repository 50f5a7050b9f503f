"""How one message is handed to its receiver: retries, waiting for a dependency, dead letters.

The same for every bus; what differs is where a dead letter is published.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from atmr_common.bus.dependencies import is_dependency_down
from atmr_common.bus.metrics import BusMetrics
from atmr_common.bus.port import DEAD_LETTER, Message, Receiver, UndecodableError
from atmr_common.observability.redaction import describe_error
from atmr_common.runtime.clock import Clock

log = structlog.get_logger(__name__)

FAILURE_HEADERS = frozenset(
    {
        "error",
        "original-topic",
        "original-partition",
        "original-offset",
        "failed-group",
        "failed-at",
    }
)
"""What a dead letter has more than its message had."""
MAX_ERROR = 1_000
"""Characters of an error in a header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRules:
    """How often and how soon a message is tried again."""

    retries: int = 3
    """After the first delivery, for the message's own errors."""
    backoff_s: float = 0.2
    """Before the first retry; doubled before each later one."""
    max_backoff_s: float = 15.0
    """The longest wait, also for a dependency that stays down."""
    is_dependency_down: Callable[[Exception], bool] = is_dependency_down

    def wait_s(self, attempt: int) -> float:
        """Before the attempt after number `attempt`, which counts from 0."""
        return min(self.max_backoff_s, self.backoff_s * 2.0 ** min(attempt, 30))


class Delivery:
    """Hands the messages of one group to its receiver."""

    def __init__(
        self,
        receiver: Receiver,
        *,
        group: str,
        rules: DeliveryRules,
        metrics: BusMetrics,
        publish: Callable[[list[Message]], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._receiver = receiver
        self.group = group
        self._rules = rules
        self.metrics = metrics
        self._publish = publish
        self._clock = clock

    async def deliver(self, message: Message, stopping: asyncio.Event) -> bool:
        """Until received or dead-lettered (True), or given up because of `stopping` (False)."""
        failed = waited = 0
        while True:
            error = await self._attempt(message)
            if error is None:
                self.metrics.received.labels(message.topic, self.group).inc()
                return True
            reason = self._reason(message, error)
            self.metrics.failures.labels(message.topic, self.group, reason).inc()
            if reason == "dependency_down":
                wait_s = self._rules.wait_s(waited)
                waited += 1
                gave_up = await self._pause(message, error, wait_s, stopping)
            elif reason == "undecodable" or failed == self._rules.retries:
                return await self._dead_letter(message, error, reason, stopping)
            else:
                wait_s = self._rules.wait_s(failed)
                failed += 1
                gave_up = await _stopped_within(wait_s, stopping)
            if gave_up:
                return False

    async def _attempt(self, message: Message) -> Exception | None:
        try:
            await self._receiver(message)
        except Exception as error:  # noqa: BLE001 (whatever a receiver raises has its rule)
            return error
        return None

    def _reason(self, message: Message, error: Exception) -> str:
        if isinstance(error, UndecodableError) and not message.topic.endswith(DEAD_LETTER):
            return "undecodable"
        # A dead letter has no further place to go, so it waits like one whose dependency is down.
        if message.topic.endswith(DEAD_LETTER) or self._rules.is_dependency_down(error):
            return "dependency_down"
        return "error"

    async def _pause(
        self, message: Message, error: Exception, wait_s: float, stopping: asyncio.Event
    ) -> bool:
        paused = self.metrics.paused.labels(message.topic, str(message.partition), self.group)
        paused.set(1)
        log.warning(
            "partition waits for a dependency",
            topic=message.topic,
            partition=message.partition,
            group=self.group,
            error=_sentence(error),
            wait_s=round(wait_s, 2),
        )
        try:
            return await _stopped_within(wait_s, stopping)
        finally:
            paused.set(0)

    async def _dead_letter(
        self, message: Message, error: Exception, reason: str, stopping: asyncio.Event
    ) -> bool:
        log.error(
            "dead letter", topic=message.topic, key=message.key, group=self.group, exc_info=error
        )
        letter = dead_letter_of(message, error, group=self.group, at=self._clock.now())
        attempt = 0
        while True:
            try:
                await self._publish([letter])
            except Exception as failure:  # noqa: BLE001 (a letter is never dropped: try again)
                if await self._pause(message, failure, self._rules.wait_s(attempt), stopping):
                    return False
                attempt += 1
            else:
                self.metrics.dead_letters.labels(message.topic, self.group, reason).inc()
                return True


def dead_letter_of(message: Message, error: Exception, *, group: str, at: datetime) -> Message:
    """`message` for its topic's dead letters, with what went wrong in its headers."""
    headers = {
        **message.headers,
        "error": _sentence(error),
        "original-topic": message.topic,
        "original-partition": str(message.partition),
        "original-offset": str(message.offset),
        "failed-group": group,
        "failed-at": at.isoformat(timespec="milliseconds"),
    }
    return message._replace(topic=message.topic + DEAD_LETTER, headers=headers)


def _sentence(error: Exception) -> str:
    """What kind of error it is; its message may quote what people wrote."""
    told = describe_error(error)
    kind, says = told.pop("type").rpartition(".")[2], told.pop("says", None)
    facts = ", ".join(f"{name} {fact}" for name, fact in told.items())
    return ": ".join(filter(None, (kind, says or facts)))[:MAX_ERROR]


async def _stopped_within(seconds: float, stopping: asyncio.Event) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
    return stopping.is_set()
