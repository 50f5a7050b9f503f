"""The parts of the negative controls: each breaks one guarantee, and the checker must see it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from prometheus_client import CollectorRegistry

from atmr_common.bus.port import Bus, Message
from atmr_common.contracts.envelope import Event
from atmr_common.database.outbox import Outbox, OutboxRow
from atmr_common.database.relay import OutboxRelay
from atmr_common.database.relay_metrics import RelayMetrics
from atmr_common.database.relay_statements import OutboxBatch, OutboxStatements
from dispatch_api import schema
from dispatch_api.bookings.express.build import booking_writers
from dispatch_api.composition import SOURCE

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch_api.ports import Ports
    from dispatch_api.settings import DispatchSettings


class ForgetfulOutbox(Outbox):
    """Dual write: keeps the events in memory, for whoever publishes them after the commit."""

    def __init__(self, ports: Ports) -> None:
        super().__init__(schema.outbox, source=SOURCE, clock=ports.clock)
        self.untold: list[Message] = []

    async def record_all(
        self, session: AsyncSession, events: Sequence[tuple[Event, str, int]], *, company_id: UUID
    ) -> None:
        del session
        self.rows_of(events, company_id=company_id)

    def rows_of(
        self,
        events: Sequence[tuple[Event, str, int]],
        *,
        company_id: UUID,
        traceparent: str | None = None,
    ) -> list[OutboxRow]:
        rows = super().rows_of(events, company_id=company_id, traceparent=traceparent)
        self.untold += [
            Message(
                topic=row.topic, key=row.key, value=row.value, headers=orjson.loads(row.headers)
            )
            for row in rows
        ]
        return []


class PublishingRelay(OutboxRelay):
    """Dual write: publishes, when it is nudged after a commit, what the outbox kept in memory."""

    def __init__(self, url: str, kept: ForgetfulOutbox, bus: Bus, **options: Any) -> None:
        super().__init__(url, schema.outbox, bus, **options)
        self._kept = kept
        self._direct = bus
        self._publishing: set[asyncio.Task[None]] = set()

    def nudge(self) -> None:
        messages, self._kept.untold = self._kept.untold, []
        task = asyncio.create_task(self._direct.publish(messages))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def run(self) -> None:
        await asyncio.Event().wait()


class RememberingStatements(OutboxStatements):
    """`id > last`: takes positions for the order of commits."""

    def __init__(self) -> None:
        super().__init__(schema.outbox)
        self._last = 0
        self._oldest = self._oldest.replace(" ORDER BY", " AND position > $3 ORDER BY")

    async def oldest(self, connection: Any, slots: Sequence[int], limit: int) -> OutboxBatch:
        later = _Later(connection, self._last)
        batch = await super().oldest(later, slots, limit)
        self._last = max([self._last, *batch.positions])
        return batch


class _Later:
    """Adds the last position to a statement's parameters."""

    def __init__(self, connection: Any, last: int) -> None:
        self._connection = connection
        self._last = last

    async def fetch(self, query: str, *parameters: Any) -> Any:
        return await self._connection.fetch(query, *parameters, self._last)


class RememberingRelay(OutboxRelay):
    """The relay of `id > last`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._statements = RememberingStatements()


class NudgedRelay(OutboxRelay):
    """Looks only when it is nudged."""

    async def _wait(self) -> None:
        await self._nudged.wait()


class NoRelay(OutboxRelay):
    """Of a process that leaves relaying to another one; it nudges."""

    async def run(self) -> None:
        await asyncio.Event().wait()


def swapped(ports: Ports, settings: DispatchSettings, parts: str) -> Ports:
    """The ports with the part that `parts` names swapped, in the express path too."""
    url = settings.database_url.get_secret_value()
    options: dict[str, Any] = {
        "clock": ports.clock,
        "metrics": RelayMetrics(CollectorRegistry()),
        "crash": ports.crash if ports.crash.chances else None,
    }
    outbox: Outbox = ports.outbox
    relay: OutboxRelay
    if parts == "dual_write":
        outbox = forgetful = ForgetfulOutbox(ports)
        relay = PublishingRelay(url, forgetful, ports.bus, **options)
    else:
        kinds = {"id_after_last": RememberingRelay, "nudged": NudgedRelay, "no_relay": NoRelay}
        relay = kinds[parts](url, schema.outbox, ports.bus, **options)
    changed = replace(ports, outbox=outbox, relay=relay)
    if ports.express is None:
        return changed
    return replace(changed, express=booking_writers(settings, changed))
