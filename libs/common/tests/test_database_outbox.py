"""The outbox and its relay on a real PostgreSQL: nothing is lost, nothing told too early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.outbox_world import COMPANY, EPOCH, NOW, OutboxWorld, RecordingBus, event, until

from atmr_common.contracts.catalogue import CATALOGUE, RUN
from atmr_common.contracts.dispatch import RunRequested
from atmr_common.contracts.envelope import Envelope
from atmr_common.database import relay as relay_module
from atmr_common.database.asyncpg_connection import connect
from atmr_common.database.engine import Database
from atmr_common.database.epoch import advance_epoch, read_epochs
from atmr_common.database.outbox import LEADER_LOCK, SLOTS
from atmr_common.database.relay import OutboxRelay
from atmr_common.database.relay_nudge import CommitNotifier
from atmr_common.database.tenancy import PLATFORM, RELAY, of_company


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[OutboxWorld]:
    database = Database(database_url, schema="dispatch", pool_size=8)
    yield OutboxWorld(database_url, database)
    await database.aclose()


@asynccontextmanager
async def running(*relays: OutboxRelay) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for relay in relays:
            await relay.aclose()


async def test_what_was_recorded_is_published_once_and_in_order(world: OutboxWorld) -> None:
    events = await world.record(3, key="day")
    relay = world.relay()
    assert await relay.relay_batch() == 3
    assert await relay.relay_batch() == 0
    accepted = world.bus.accepted
    assert [RunRequested.model_validate_json(m.value) for m in accepted] == events
    assert {message.topic for message in accepted} == {RUN}


async def test_headers_are_a_cloudevents_envelope_with_the_epoch(world: OutboxWorld) -> None:
    await world.record(1, key="day")
    await world.relay().relay_batch()
    headers = world.bus.accepted[0].headers
    envelope = Envelope.from_headers(dict(headers))
    assert envelope.type == CATALOGUE[RunRequested].type == "dispatch.run.v1.RunRequested"
    assert (envelope.subject, envelope.company_id, envelope.time) == ("day", COMPANY, NOW)
    assert (envelope.aggregate_version, envelope.epoch) == (1, 1)
    assert headers["ce_specversion"] == "1.0"


async def test_events_after_a_restore_carry_the_new_epoch(world: OutboxWorld) -> None:
    relay = world.relay()
    await world.record()
    await relay.relay_batch()
    await world.record()
    async with world.database.transaction(PLATFORM) as session:
        epoch = await advance_epoch(session, EPOCH, reason="restored", now=NOW)
        assert [each.number for each in await read_epochs(session, EPOCH)] == [1, 2]
    await relay.relay_batch()
    assert epoch.number == 2
    assert [message.headers["ce_epoch"] for message in world.bus.accepted] == ["1", "2"]


async def test_an_epoch_needs_a_reason(world: OutboxWorld) -> None:
    async with world.database.transaction(PLATFORM) as session:
        with pytest.raises(ValueError, match="reason"):
            await advance_epoch(session, EPOCH, reason=" ", now=NOW)


async def test_rows_for_asyncpg_are_the_sessions_rows(world: OutboxWorld) -> None:
    told = event()
    async with world.database.transaction(of_company(COMPANY)) as session:
        await world.outbox.record(session, told, key="day", company_id=COMPANY, version=7)
    [row] = world.outbox.rows_of([(told, "day", 7)], company_id=COMPANY)
    app = await connect(world.url, schema="dispatch", tenancy=of_company(COMPANY), application="t")
    await app.execute(
        "INSERT INTO dispatch.outbox (company_id, topic, key, headers, value)"
        " VALUES ($1, $2, $3, $4, $5)",
        *row,
    )
    await app.close()
    first, second = (each._asdict() for each in await world.rows())
    for each in (first, second):
        del each["position"], each["headers"]["ce_id"]  # type: ignore[attr-defined]  # JSON
    assert first == second


async def test_a_rolled_back_change_tells_nothing(world: OutboxWorld) -> None:
    with pytest.raises(RuntimeError, match="after the event"):
        await fail_after_recording(world)
    assert await world.relay().relay_batch() == 0


async def fail_after_recording(world: OutboxWorld) -> None:
    async with world.database.transaction(of_company(COMPANY)) as session:
        await world.outbox.record(session, event(), key="day", company_id=COMPANY, version=1)
        raise RuntimeError("after the event, before the commit")


async def test_while_the_bus_is_down_events_wait(world: OutboxWorld) -> None:
    await world.record(2, key="day")
    world.bus.down = True
    async with running(world.relay()):
        failures = "atmr_outbox_relay_failures_total"
        await until(lambda: bool(world.measured(failures, away="bus")))
        assert len(await world.rows()) == 2
        world.bus.down = False
        await world.bus.wait_for(2)


async def test_a_row_that_commits_late_is_not_lost(world: OutboxWorld) -> None:
    """Positions are not in the order of commits: the lower one may become visible later."""
    relay = world.relay()
    async with world.database.transaction(of_company(COMPANY)) as late:
        await world.outbox.record(late, event(), key="late", company_id=COMPANY, version=1)
        await late.flush()
        await world.record(1, key="day")
        assert await relay.relay_batch() == 1
    assert await relay.relay_batch() == 1
    assert [message.key for message in world.bus.accepted] == ["day", "late"]


async def test_a_backlog_larger_than_a_batch_drains_in_order(world: OutboxWorld) -> None:
    events = await world.record(relay_module.BATCH + 3, key="day")
    async with running(world.relay()):
        accepted = await world.bus.wait_for(len(events))
    told = [RunRequested.model_validate_json(message.value).run_id for message in accepted]
    assert told == [each.run_id for each in events]


async def test_two_relays_share_the_keys_and_each_event_is_published_once(
    world: OutboxWorld,
) -> None:
    first, second = RecordingBus(), RecordingBus()
    async with running(world.relay(first), world.relay(second)):
        await shared_evenly(world)
        events = await world.record(200)
        await until(lambda: drained(world))
    told = [m.key for bus in (first, second) for m in bus.accepted]
    assert sorted(told) == sorted(str(each.run_id) for each in events)
    assert len(first.accepted) > 20
    assert len(second.accepted) > 20


async def drained(world: OutboxWorld) -> bool:
    return not await world.rows()


SHARES = """
SELECT array_agg(slots) FROM (
    SELECT count(*) AS slots FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND objsubid = 2 AND objid < 8 AND datname = current_database()
    GROUP BY pid
) AS relays
"""


async def shared_evenly(world: OutboxWorld) -> None:
    """Wait until two connections lead half of the slots each."""

    async def evenly() -> bool:
        return await world.ask(SHARES) == [SLOTS // 2, SLOTS // 2]

    await until(evenly)


async def test_when_a_relay_dies_another_one_takes_over_within_two_seconds(
    world: OutboxWorld,
) -> None:
    first, second = RecordingBus(), RecordingBus()
    async with running(world.relay(first), world.relay(second)) as tasks:
        await shared_evenly(world)
        tasks[0].cancel()
        await asyncio.gather(tasks[0], return_exceptions=True)
        events = await world.record(50)
        await second.wait_for(len(events), within_s=2)
    assert first.accepted == []


async def test_a_lost_connection_is_made_again(world: OutboxWorld) -> None:
    async with running(world.relay()):
        await world.record()
        await world.bus.wait_for(1)
        await world.ask(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'dispatch outbox relay'"
            " AND datname = current_database()"
        )
        await world.record()
        await world.bus.wait_for(2, within_s=3)


async def test_relays_of_the_first_release_and_of_this_one_never_work_at_once(
    world: OutboxWorld,
) -> None:
    old = await connect(world.url, schema="dispatch", tenancy=PLATFORM, application="old")
    await old.execute("SELECT pg_advisory_lock($1::bigint)", LEADER_LOCK)
    await world.record()
    relay = world.relay()
    assert await relay.relay_batch() == 0
    await old.execute("SELECT pg_advisory_unlock($1::bigint)", LEADER_LOCK)
    async with running(relay):
        await world.bus.wait_for(1)
        assert not await old.fetchval("SELECT pg_try_advisory_lock($1::bigint)", LEADER_LOCK)
    await old.close()


@pytest.mark.parametrize("busy", [True, False])
async def test_a_commit_of_another_process_is_published_long_before_the_poll(
    world: OutboxWorld, monkeypatch: pytest.MonkeyPatch, *, busy: bool
) -> None:
    monkeypatch.setattr(relay_module, "IDLE_POLL_S", 60.0)
    monkeypatch.setattr(relay_module, "BUSY_POLL_S", 60.0)
    elsewhere = world.relay(RecordingBus())  # of a process whose relay leads nothing
    async with running(world.relay()):
        if busy:
            await world.record()
        await until(lambda: world.measured("atmr_outbox_slots_led") == SLOTS)
        await world.bus.wait_for(int(busy))
        await asyncio.sleep(0.05)  # the relay now waits for its poll
        await world.record()
        elsewhere.nudge()
        await world.bus.wait_for(1 + busy, within_s=2)
    await elsewhere.aclose()


async def test_a_lost_nudge_costs_a_poll(world: OutboxWorld) -> None:
    async with running(world.relay()):
        await asyncio.sleep(0.1)
        await world.record()
        await world.bus.wait_for(1, within_s=2)


async def test_notifications_are_bundled_and_survive_a_lost_connection() -> None:
    sent = 0

    class Connection:
        async def execute(self, *_: object) -> None:
            nonlocal sent
            sent += 1
            if sent == 1:
                raise asyncpg.ConnectionDoesNotExistError("gone")

        def terminate(self) -> None:
            return

    async def connect_again() -> Connection:
        return Connection()

    notifier = CommitNotifier(connect_again, "channel")
    for _ in range(100):
        notifier.notify()
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    assert 2 <= sent <= 4, "the first at once, the other 99 together"
    await notifier.aclose()


async def test_the_relays_role_reads_the_outbox_and_the_epoch_only(world: OutboxWorld) -> None:
    relay = await connect(world.url, schema="dispatch", tenancy=RELAY, application="tests")
    rights = await relay.fetch(
        "SELECT relname, bool_or(has_table_privilege(c.oid, right_)"
        " OR has_any_column_privilege(c.oid, right_)) AS may"
        " FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS right_"
        " WHERE relnamespace = 'dispatch'::regnamespace AND relkind IN ('r', 'p') GROUP BY relname"
    )
    assert len(rights) > 20
    assert {row["relname"] for row in rights if row["may"]} == {"outbox", "epoch"}
    for statement in ("SELECT * FROM dispatch.booking", "UPDATE dispatch.outbox SET value = ''"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await relay.execute(statement)
    await relay.close()


async def test_crash_points_stand_where_they_say(world: OutboxWorld) -> None:
    reached: list[tuple[str, int]] = []

    def crash(point: str) -> None:
        reached.append((point, len(world.bus.accepted)))

    await world.record(4, key="day")
    await world.relay(crash=crash).relay_batch()
    assert reached == [("relay.mid_batch", 2), ("relay.published", 4), ("relay.deleted", 4)]


@pytest.mark.parametrize("point", ["relay.mid_batch", "relay.published", "relay.deleted"])
async def test_a_crash_at_any_point_publishes_again(world: OutboxWorld, point: str) -> None:
    def crash(reached: str) -> None:
        if reached == point:
            raise RuntimeError(point)

    await world.record(4, key="day")
    with pytest.raises(RuntimeError, match=point):
        await world.relay(crash=crash).relay_batch()
    before = len(world.bus.accepted)
    assert await world.relay(RecordingBus()).relay_batch() == 4
    assert before == (2 if point == "relay.mid_batch" else 4)


async def test_what_the_broker_never_takes_is_set_aside_and_the_rest_goes_on(
    world: OutboxWorld,
) -> None:
    events = await world.record(3, key="day")
    world.bus.too_large = {events[1].model_dump_json().encode()}
    relay = world.relay()
    await relay.relay_batch()
    told = [RunRequested.model_validate_json(message.value) for message in world.bus.accepted]
    assert told == [events[0], events[2]]
    [left] = await world.rows()
    assert left.refused == "1048577 bytes; the broker takes 1048576"
    assert await relay.relay_batch() == 0
    assert world.measured("atmr_outbox_refused_total") == 1


async def test_what_waits_is_measured(world: OutboxWorld) -> None:
    await world.record(3, key="day")
    world.clock.advance(timedelta(seconds=90))
    world.bus.down = True
    async with running(world.relay()):
        await until(lambda: world.measured("atmr_outbox_rows_waiting") == 3)
    assert world.measured("atmr_outbox_oldest_age_seconds") == 90
    assert world.measured("atmr_outbox_slots_led") == 0, "it has stopped"


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(writers=st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=6), max_size=4))
async def test_per_key_the_order_is_that_of_the_commits(
    world: OutboxWorld, writers: list[list[int]]
) -> None:
    """Writers lock what they tell about before they take a position, as services do."""
    keys = [str(uuid4()) for _ in range(4)]
    versions = dict.fromkeys(keys, 0)
    locks = {key: asyncio.Lock() for key in keys}
    bus = RecordingBus()

    async def write(chosen: list[int]) -> None:
        for key in (keys[number] for number in chosen):
            async with locks[key]:
                versions[key] += 1
                async with world.database.transaction(of_company(COMPANY)) as session:
                    told = [(event(), key, versions[key])]
                    await world.outbox.record_all(session, told, company_id=COMPANY)

    async with running(world.relay(bus)):
        await asyncio.gather(*map(write, writers))
        await until(lambda: drained(world))
    for key, last in versions.items():
        told = [m.headers["ce_aggregateversion"] for m in bus.accepted if m.key == key]
        assert told == [str(version) for version in range(1, last + 1)]
