"""A migrated outbox with what its tests need around it: a bus that remembers, rows to publish."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from atmr_common.bus.port import BusUnavailableError, Message, MessageTooLargeError
from atmr_common.contracts.dispatch import RunRequested
from atmr_common.database.backbone_tables import epoch_table, inbox_table, recurring_work_table
from atmr_common.database.engine import Database
from atmr_common.database.outbox import Outbox, outbox_table
from atmr_common.database.relay import OutboxRelay
from atmr_common.database.relay_metrics import RelayMetrics
from atmr_common.database.tables import service_metadata
from atmr_common.database.tenancy import OWNER, of_company
from atmr_common.runtime.clock import FixedClock
from atmr_common.runtime.crash_points import Crash

NOW = datetime(2026, 3, 16, 6, 0, tzinfo=UTC)
COMPANY = UUID(int=1)
METADATA = service_metadata("dispatch")
OUTBOX = outbox_table(METADATA)
INBOX = inbox_table(METADATA)
EPOCH = epoch_table(METADATA)
RECURRING = recurring_work_table(METADATA)


class RecordingBus:
    """A bus that remembers what it accepted, refuses when told to, and lets a test await it."""

    def __init__(self) -> None:
        self.accepted: list[Message] = []
        self.down = False
        self.too_large: set[bytes] = set()
        self._arrived = asyncio.Condition()

    async def publish(self, messages: Sequence[Message]) -> None:
        if self.down:
            raise BusUnavailableError("the broker is down")
        if any(message.value in self.too_large for message in messages):
            raise MessageTooLargeError("1048577 bytes; the broker takes 1048576")
        async with self._arrived:
            self.accepted.extend(messages)
            self._arrived.notify_all()

    async def wait_for(self, count: int, *, within_s: float = 10) -> list[Message]:
        async with asyncio.timeout(within_s), self._arrived:
            await self._arrived.wait_for(lambda: len(self.accepted) >= count)
        return self.accepted


@dataclass
class OutboxWorld:
    """One database, and as many relays as a test wants."""

    url: str
    database: Database
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    bus: RecordingBus = field(default_factory=RecordingBus)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    @property
    def outbox(self) -> Outbox:
        return Outbox(OUTBOX, source="/tests", clock=self.clock)

    def relay(self, bus: RecordingBus | None = None, *, crash: Crash | None = None) -> OutboxRelay:
        registry = self.registry if bus is None else CollectorRegistry()
        return OutboxRelay(
            self.url,
            OUTBOX,
            bus or self.bus,  # type: ignore[arg-type]  # a relay only publishes
            clock=self.clock,
            metrics=RelayMetrics(registry),
            crash=crash,
        )

    async def record(self, count: int = 1, *, key: str | None = None) -> list[RunRequested]:
        """Commit `count` events: all of one key, or each of a key of its own."""
        events = [event() for _ in range(count)]
        keyed = [(each, key or str(each.run_id), number) for number, each in enumerate(events, 1)]
        async with self.database.transaction(of_company(COMPANY)) as session:
            await self.outbox.record_all(session, keyed, company_id=COMPANY)
        return events

    async def rows(self) -> Sequence[sa.Row[tuple[object, ...]]]:
        async with self.database.transaction(OWNER) as session:
            return (await session.execute(OUTBOX.select().order_by(OUTBOX.c.position))).all()

    async def execute(self, statement: str, **values: object) -> None:
        """As the owner."""
        async with self.database.transaction(OWNER) as session:
            await session.execute(sa.text(statement), values)

    def measured(self, name: str, **labels: str) -> float | None:
        """A metric of the relay that uses the world's own bus."""
        return self.registry.get_sample_value(name, labels)

    async def ask(self, query: str) -> object:
        """The single value that `query` answers, asked by the owner."""
        async with self.database.transaction(OWNER) as session:
            return await session.scalar(sa.text(query))


async def until(holds: Callable[[], bool | Awaitable[bool]], *, within_s: float = 10) -> None:
    """Return as soon as `holds`; what is asked lies in the database, so that nothing tells."""
    async with asyncio.timeout(within_s):
        while True:
            answer = holds()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.01)


def event() -> RunRequested:
    return RunRequested(run_id=uuid4(), day=date(2026, 3, 16), mode="auto")
