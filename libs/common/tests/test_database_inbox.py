"""The inbox: an event takes effect once, together with the row that remembers it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession
from support.outbox_world import COMPANY, INBOX, NOW, OutboxWorld, event

from atmr_common.bus.port import Message, UndecodableError
from atmr_common.contracts.dispatch import RunRequested
from atmr_common.contracts.envelope import Envelope, Event
from atmr_common.database.engine import Database
from atmr_common.database.inbox import Arrival, Inbox, arrival, decode, once
from atmr_common.database.retention import delete_older
from atmr_common.database.tenancy import of_company

CONSUMER = "tests"
EFFECT = sa.text("INSERT INTO dispatch.effect VALUES (:company)")


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[OutboxWorld]:
    database = Database(database_url, schema="dispatch", pool_size=8)
    world = OutboxWorld(database_url, database)
    await world.execute("CREATE TABLE dispatch.effect (company_id uuid)")
    await world.execute("GRANT INSERT ON dispatch.effect TO atmr_dispatch_app")
    yield world
    await database.aclose()


@pytest.fixture
def inbox(world: OutboxWorld) -> Inbox:
    return Inbox(INBOX, clock=world.clock)


def message(told: Event | None = None, *, company: UUID = COMPANY, **headers: str) -> Message:
    envelope = Envelope(
        id=uuid4(),
        source="/tests",
        type="dispatch.run.v1.RunRequested",
        subject="day",
        time=NOW,
        dataschema="urn:tests",
        company_id=company,
        aggregate_version=1,
    )
    value = (told or event()).model_dump_json().encode()
    return Message(topic="t", key="day", value=value, headers=envelope.headers() | headers)


async def count_once(session: AsyncSession, envelope: Envelope, told: Event) -> None:
    """An effect that shows how often it was had."""
    assert isinstance(told, RunRequested)
    await session.execute(EFFECT, {"company": envelope.company_id})


async def effects(world: OutboxWorld) -> object:
    return await world.ask("SELECT count(*) FROM dispatch.effect")


async def test_a_repeated_event_takes_effect_once(world: OutboxWorld, inbox: Inbox) -> None:
    receive = once(world.database, inbox, CONSUMER, count_once)
    told = message()
    for _ in range(3):
        await receive(told)
    assert await effects(world) == 1
    await receive(message())
    assert await effects(world) == 2


async def test_of_concurrent_repeats_one_takes_effect(world: OutboxWorld, inbox: Inbox) -> None:
    receive = once(world.database, inbox, CONSUMER, count_once)
    told = message()
    await asyncio.gather(*(receive(told) for _ in range(6)))
    assert await effects(world) == 1


async def test_each_consumer_has_its_own_effect(world: OutboxWorld, inbox: Inbox) -> None:
    told = message()
    for consumer in ("first", "second", "first"):
        await once(world.database, inbox, consumer, count_once)(told)
    assert await effects(world) == 2


async def test_an_effect_that_fails_is_not_remembered(world: OutboxWorld, inbox: Inbox) -> None:
    told, failed = message(), False

    async def effect(session: AsyncSession, envelope: Envelope, event: Event) -> None:
        nonlocal failed
        await count_once(session, envelope, event)
        if not failed:
            failed = True
            raise RuntimeError("after the effect, before the commit")

    receive = once(world.database, inbox, CONSUMER, effect)
    with pytest.raises(RuntimeError, match="before the commit"):
        await receive(told)
    assert await effects(world) == 0
    await receive(told)
    assert await effects(world) == 1


async def test_without_an_inbox_the_repeat_is_seen(world: OutboxWorld, inbox: Inbox) -> None:
    """The control: what the tests above count would show a second effect."""

    class Forgetful(Inbox):
        async def first_time(self, *_: object, **__: object) -> bool:
            return True

    del inbox
    receive = once(world.database, Forgetful(INBOX, clock=world.clock), CONSUMER, count_once)
    told = message()
    await receive(told)
    await receive(told)
    assert await effects(world) == 2


async def test_an_effect_touches_rows_of_the_events_company_only(
    world: OutboxWorld, inbox: Inbox
) -> None:
    seen: list[str] = []

    async def effect(session: AsyncSession, envelope: Envelope, told: Event) -> None:
        del envelope, told
        ids = await session.scalar(sa.text("SELECT current_setting('app.company_ids')"))
        seen.append(str(ids))
        seen.append(str(await session.scalar(sa.text("SELECT current_role"))))

    company = uuid4()
    await once(world.database, inbox, CONSUMER, effect)(message(company=company))
    assert seen == [str(company), "atmr_dispatch_app"]


async def test_what_a_newer_release_tells_is_passed_over(world: OutboxWorld, inbox: Inbox) -> None:
    receive = once(world.database, inbox, CONSUMER, count_once)
    await receive(message(ce_type="dispatch.run.v1.RunPostponed"))
    assert await effects(world) == 0
    told = message()
    newer = told.value[:-1] + b', "added_later": [1, 2]}'
    await receive(told._replace(value=newer))
    assert await effects(world) == 1


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        ({"ce_id": "no-uuid"}, "a header cannot be read"),
        ({"ce_time": "yesterday"}, "a header cannot be read"),
        ({"ce_aggregateversion": "one"}, "a header cannot be read"),
    ],
)
async def test_unreadable_headers_are_undecodable(broken: dict[str, str], sentence: str) -> None:
    with pytest.raises(UndecodableError, match=sentence):
        decode(message(**broken))


def test_a_missing_header_is_named() -> None:
    told = message()
    headers = {name: value for name, value in told.headers.items() if name != "ce_companyid"}
    with pytest.raises(UndecodableError, match="ce_companyid"):
        decode(told._replace(headers=headers))


@given(st.binary(max_size=60))
def test_no_payload_raises_anything_but_undecodable(value: bytes) -> None:
    with pytest.raises(UndecodableError, match="not as its type says"):
        decode(message()._replace(value=value))


@pytest.mark.parametrize(
    ("version", "epoch", "known", "known_epoch", "expected"),
    [
        (1, 1, 0, 0, Arrival.NEXT),
        (3, 1, 0, 0, Arrival.GAP),
        (5, 1, 4, 1, Arrival.NEXT),
        (4, 1, 4, 1, Arrival.NEXT),
        (2, 1, 4, 1, Arrival.REPEAT),
        (6, 1, 4, 1, Arrival.GAP),
        (3, 2, 4, 1, Arrival.NEW_EPOCH),
        (5, 1, 4, 2, Arrival.OLD_EPOCH),
    ],
)
def test_gaps_and_repeats_are_seen(
    version: int, epoch: int, known: int, known_epoch: int, expected: Arrival
) -> None:
    headers = {"ce_aggregateversion": str(version), "ce_epoch": str(epoch)}
    envelope, _ = decode(message(**headers))
    assert arrival(envelope, known_version=known, known_epoch=known_epoch) is expected


async def test_the_inbox_forgets_in_batches(world: OutboxWorld, inbox: Inbox) -> None:
    for _ in range(5):
        async with world.database.transaction(of_company(COMPANY)) as session:
            assert await inbox.first_time(session, CONSUMER, decode(message())[0])
    world.clock.advance(timedelta(days=15))
    async with world.database.transaction(of_company(COMPANY)) as session:
        await inbox.first_time(session, CONSUMER, decode(message())[0])
    before = world.clock.now() - timedelta(days=14)
    assert await delete_older(world.database, INBOX.c.received_at, before, batch=2) == 5
    assert await world.ask("SELECT count(*) FROM dispatch.inbox") == 1
    assert before > datetime(2026, 3, 16, tzinfo=UTC)
