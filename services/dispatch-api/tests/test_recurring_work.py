"""dispatch-api's recurring work: each row of its table does what it says, on the real schema."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry
from support.dispatch_client import DispatchApi

from atmr_common.database.recurring import RecurringMetrics, RecurringRunner
from atmr_common.database.tenancy import OWNER
from dispatch_api import schema
from dispatch_api.recurring import recurring_works
from dispatch_api.settings import DispatchSettings

INSERT_POSITION = """
INSERT INTO dispatch.driver_position (company_id, driver_id, recorded_at, received_at, lat, lon)
VALUES (:company, :driver, :at, :at, 46.2, 6.1)
"""
INSERT_DECISION = """
INSERT INTO dispatch.decision
    (company_id, id, decided_at, booking_id, codec_version, state_hash, candidates, by)
VALUES (:company, :driver, :at, :driver, 1, '', '[]', 'tests')
"""
INSERT_INBOX = "INSERT INTO dispatch.inbox VALUES ('tests', :driver, :company, :at)"
INSERT_USAGE = """
INSERT INTO dispatch.usage (company_id, day, kind, stripe, amount)
VALUES (:company, CAST(CAST(:at AS timestamptz) AS date), :kind, 0, 1)
"""
INSERT_ANSWER = """
INSERT INTO dispatch.idempotency_key
    (company_id, subject, key, operation, fingerprint, status, headers, body, created_at)
VALUES (:company, 'tests', :kind, 'POST /v1/bookings', '', 201, '{}', '', :at)
"""


@pytest.fixture
def runner(dispatch_api: DispatchApi, dispatch_settings: DispatchSettings) -> RecurringRunner:
    return RecurringRunner(
        dispatch_settings.database_url.get_secret_value(),
        schema.recurring_work,
        recurring_works(dispatch_api.ports, dispatch_settings),
        clock=dispatch_api.clock,
        metrics=RecurringMetrics(CollectorRegistry()),
    )


async def execute(api: DispatchApi, statement: str, **values: object) -> None:
    async with api.ports.database.transaction(OWNER) as session:
        await session.execute(sa.text(statement), values)


async def count(api: DispatchApi, table: str) -> int:
    async with api.ports.database.transaction(OWNER) as session:
        query = sa.select(sa.func.count()).select_from(sa.table(table, schema="dispatch"))
        return int(await session.scalar(query) or 0)


async def failures(api: DispatchApi) -> dict[str, str | None]:
    async with api.ports.database.transaction(OWNER) as session:
        rows = await session.execute(schema.recurring_work.select())
        return {row.name: row.last_error for row in rows}


async def test_everything_is_done_at_the_start_without_failure(
    dispatch_api: DispatchApi, runner: RecurringRunner
) -> None:
    done = await runner.run_due()
    assert set(done) >= {"partitions", "forget_inbox", "forget_idempotency_keys", "forget_usage"}
    assert await failures(dispatch_api) == dict.fromkeys(done)


@pytest.mark.parametrize(
    ("table", "insert", "kept"),
    [
        ("inbox", INSERT_INBOX, timedelta(days=14)),
        ("idempotency_key", INSERT_ANSWER, timedelta(hours=48)),
        ("usage", INSERT_USAGE, timedelta(days=400)),
        ("driver_position", INSERT_POSITION, timedelta(hours=71)),
        ("decision", INSERT_DECISION, timedelta(days=365)),
    ],
)
async def test_what_is_out_of_retention_is_forgotten(
    dispatch_api: DispatchApi,
    runner: RecurringRunner,
    company_id: UUID,
    table: str,
    insert: str,
    kept: timedelta,
) -> None:
    await runner.run_due()
    written = dispatch_api.clock.now()
    for kind in ("first", "second"):
        values = {"company": company_id, "driver": uuid4(), "at": written, "kind": kind}
        named = {name: value for name, value in values.items() if f":{name}" in insert}
        await execute(dispatch_api, insert, **named)
    dispatch_api.clock.advance(kept - timedelta(minutes=1))
    await runner.run_due()
    assert await count(dispatch_api, table) == 2
    dispatch_api.clock.advance(timedelta(days=1, hours=1))
    await runner.run_due()
    assert await count(dispatch_api, table) == 0
    assert set((await failures(dispatch_api)).values()) == {None}
