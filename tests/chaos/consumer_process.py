"""A consumer of bookings: the real bus and inbox, and an effect that can be counted.

Every effect is a row of `chaos.applied`; every delivery is a line of CHAOS_DELIVERIES. A negative
control (CHAOS_PARTS) may leave out the inbox, or say that it is done before it is.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TextIO

import sqlalchemy as sa
from chaos.parent import die_with_parent
from chaos.prefixed_bus import PrefixedBus
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncSession

from atmr_common.bus import kafka_group
from atmr_common.bus.build import build_bus
from atmr_common.bus.port import Message, Receiver
from atmr_common.contracts.envelope import Envelope, Event
from atmr_common.database.engine import Database
from atmr_common.database.inbox import Inbox, once
from atmr_common.observability.logs import configure_logs
from atmr_common.runtime.clock import SystemClock
from atmr_common.runtime.crash_points import CrashPoints
from atmr_common.runtime.settings import ServiceSettings
from dispatch_api.schema import SCHEMA, inbox

TOPIC = "dispatch.booking.v1"
AT_ONCE = 10
COMMITTED_S = 0.6
SLOW_S = 0.05
"""So that what waits in memory grows while clients book."""
SHORT_SESSION_MS = 1_500
"""So that the control need not wait until the killed member is missed."""
APPLY = sa.text(
    "INSERT INTO chaos.applied (booking_id, version, event_id)"
    " VALUES (:booking_id, :version, :event_id)"
)


def group_of(prefix: str) -> str:
    """A group of the run's own: the members of an earlier one are still missed for a while."""
    return f"{prefix}chaos-consumer"


class ForgetfulInbox(Inbox):
    """Takes every event for a new one."""

    async def first_time(self, session: AsyncSession, consumer: str, envelope: Envelope) -> bool:
        del session, consumer, envelope
        return True


class OffsetFirst:
    """Returns at once, so that the offset is committed, and works later.

    In its first life it is killed between the two.
    """

    def __init__(self, receiver: Receiver, first_life: Path) -> None:
        self._receiver = receiver
        self._waiting: list[Message] = []
        self._filled = asyncio.Event()
        self._first = not first_life.exists()
        first_life.touch()

    async def __call__(self, message: Message) -> None:
        self._waiting.append(message)
        self._filled.set()

    async def work(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._waiting:
                if self._first and len(self._waiting) >= AT_ONCE:
                    await asyncio.sleep(COMMITTED_S)
                    os.kill(os.getpid(), signal.SIGKILL)
                await asyncio.sleep(SLOW_S)
                await self._receiver(self._waiting.pop(0))


async def apply(session: AsyncSession, envelope: Envelope, event: Event) -> None:
    """The effect."""
    del event
    values = {
        "booking_id": envelope.subject,
        "version": envelope.aggregate_version,
        "event_id": envelope.id,
    }
    await session.execute(APPLY, values)


def counted(receiver: Receiver, lines: TextIO) -> Receiver:
    """Every delivery leaves a line, whatever becomes of it."""

    async def receive(message: Message) -> None:
        lines.write(f"{message.headers['ce_id']}\n")
        await receiver(message)

    return receive


async def consume(settings: ServiceSettings) -> None:
    clock, parts = SystemClock(), os.environ.get("CHAOS_PARTS", "")
    crash = CrashPoints.from_setting(settings.crash_at, environment=settings.environment)
    database = Database(settings.database_url.get_secret_value(), schema=SCHEMA)
    prefix = os.environ.get("CHAOS_TOPIC_PREFIX", "")
    group = group_of(prefix)
    bus = PrefixedBus(build_bus(settings.kafka, CollectorRegistry(), crash=crash), prefix)
    kind = ForgetfulInbox if parts == "inbox_off" else Inbox
    deliveries = Path(os.environ["CHAOS_DELIVERIES"])
    receiver = once(database, kind(inbox, clock=clock), group, apply)
    work: Callable[[], Awaitable[object]] = asyncio.Event().wait
    if parts == "offset_first":
        kafka_group.SESSION_MS, kafka_group.HEARTBEAT_MS = SHORT_SESSION_MS, SHORT_SESSION_MS // 5
        hasty = OffsetFirst(receiver, deliveries.with_suffix(".lived"))
        receiver, work = hasty, hasty.work
    with deliveries.open("a", buffering=1) as lines:  # noqa: ASYNC230 (a line is written at once)
        await bus.subscribe([TOPIC], group, counted(receiver, lines))
        await work()


def main() -> None:
    die_with_parent()
    settings = ServiceSettings()
    configure_logs(settings.log_level, settings.log_format)
    asyncio.run(consume(settings))


if __name__ == "__main__":
    main()
