"""The inbox: an event takes effect once, however often it is delivered.

The row that remembers the event is written in the transaction of its effect: both, or neither.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING

import sqlalchemy as sa
import structlog
from pydantic import ValidationError
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from atmr_common.bus.port import Message, Receiver, UndecodableError
from atmr_common.contracts.catalogue import CATALOGUE
from atmr_common.contracts.envelope import Envelope, Event
from atmr_common.database.tenancy import of_company

if TYPE_CHECKING:
    from atmr_common.database.engine import Database
    from atmr_common.runtime.clock import Clock

log = structlog.get_logger(__name__)

Effect = Callable[[AsyncSession, Envelope, Event], Awaitable[None]]
"""What an event does, in the session's transaction, for the event's company."""
MODELS = {entry.type: entry.model for entry in CATALOGUE.values()}


class Inbox:
    """Which events the consumers of one service have taken in."""

    def __init__(self, table: sa.Table, *, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    async def first_time(self, session: AsyncSession, consumer: str, envelope: Envelope) -> bool:
        """Remember the event in the session's transaction; False when `consumer` knows it.

        Where the same event is in work elsewhere, wait for that transaction to end.
        """
        remember = (
            insert(self._table)
            .values(
                consumer=consumer,
                event_id=envelope.id,
                company_id=envelope.company_id,
                received_at=self._clock.now(),
            )
            .on_conflict_do_nothing()
            .returning(self._table.c.event_id)
        )
        return await session.scalar(remember) is not None


def once(database: Database, inbox: Inbox, consumer: str, effect: Effect) -> Receiver:
    """A receiver that gives each event's effect once to the event's company.

    Events of a type that this release does not know are passed over; the receiver raises what
    `effect` raises, and `UndecodableError` for a message that no release could read.
    """

    async def receive(message: Message) -> None:
        envelope, event = decode(message)
        if event is None:
            log.debug("event of an unknown type", type=envelope.type, event_id=str(envelope.id))
            return
        async with database.transaction(of_company(envelope.company_id)) as session:
            if await inbox.first_time(session, consumer, envelope):
                await effect(session, envelope, event)
            else:
                log.debug("event repeated", type=envelope.type, event_id=str(envelope.id))

    return receive


def decode(message: Message) -> tuple[Envelope, Event | None]:
    """The envelope and the event of the catalogue; None for a type that this release lacks.

    Raises:
        UndecodableError: when a header is missing, or the payload is not its type's.

    """
    try:
        envelope = Envelope.from_headers(dict(message.headers))
        model = MODELS.get(envelope.type)
        return envelope, None if model is None else model.model_validate_json(message.value)
    except KeyError as error:
        raise UndecodableError(f"the header {error} is missing") from error
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
        raise UndecodableError(f"not as its type says: {wrong or 'no JSON object'}") from error
    except ValueError as error:
        raise UndecodableError(f"a header cannot be read: {error}") from error


class Arrival(StrEnum):
    """How an event stands to the last one of its aggregate that a consumer has applied."""

    NEXT = "next"
    REPEAT = "repeat"  # an older version: pass over
    GAP = "gap"  # versions between are missing: read the aggregate again
    NEW_EPOCH = "new_epoch"  # the database was restored: versions may have gone back, read again
    OLD_EPOCH = "old_epoch"  # told before a restore that is known already: pass over


def arrival(envelope: Envelope, *, known_version: int, known_epoch: int) -> Arrival:
    """Compare an event with what a projection keeps of its aggregate; 0 where it keeps nothing.

    An aggregate's versions are counted per topic. Several events may share one version, so the
    known one is not a repeat: the inbox has passed over those.
    """
    if known_version and envelope.epoch != known_epoch:
        return Arrival.NEW_EPOCH if envelope.epoch > known_epoch else Arrival.OLD_EPOCH
    if envelope.aggregate_version < known_version:
        return Arrival.REPEAT
    return Arrival.NEXT if envelope.aggregate_version <= known_version + 1 else Arrival.GAP
