"""The table of dispatch-api's recurring work: what it does by itself, how often, and why.

One process at a time does it: the workers, or the API process that works on runs itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from atmr_common.database.partitions import DailyPartitions, keep_partitions
from atmr_common.database.recurring import RecurringMetrics, RecurringRunner, RecurringWork
from atmr_common.database.retention import delete_older
from dispatch_api import schema
from dispatch_api.patients.access_seals import sealing_work
from dispatch_api.ports import Ports
from dispatch_api.settings import DispatchSettings
from dispatch_api.tables import metadata

log = structlog.get_logger(__name__)

HOUR = timedelta(hours=1)
POSITIONS_KEPT = timedelta(hours=72) - HOUR
"""Deleted once an hour, no position is ever older than 72 hours."""
INBOX_KEPT = timedelta(days=14)
"""Longer than any topic keeps what might be delivered again."""
IDEMPOTENCY_KEYS_KEPT = timedelta(hours=48)
USAGE_KEPT = timedelta(days=400)
"""A year can be compared with the one before."""


def recurring_works(ports: Ports, settings: DispatchSettings) -> list[RecurringWork]:
    """Every piece of it, in the order in which they are done when several are due."""
    return [
        RecurringWork(name="partitions", every=HOUR, work=lambda: keep_days(ports, settings)),
        sealing_work(ports.database, ports.clock),
        _forgetting(ports, "forget_inbox", schema.inbox.c.received_at, INBOX_KEPT),
        _forgetting(
            ports,
            "forget_idempotency_keys",
            schema.idempotency_key.c.created_at,
            IDEMPOTENCY_KEYS_KEPT,
        ),
        _forgetting(ports, "forget_usage", metadata.tables["dispatch.usage"].c.day, USAGE_KEPT),
    ]


async def keep_days(ports: Ports, settings: DispatchSettings) -> None:
    """Partitions of positions and decisions: a week ahead, none out of retention."""
    for name, kept in (
        ("driver_position.recorded_at", POSITIONS_KEPT),
        ("decision.decided_at", timedelta(days=settings.decision_days)),
    ):
        table, column = name.split(".")
        plan = DailyPartitions(column=metadata.tables[f"dispatch.{table}"].c[column], keep=kept)
        url = settings.database_url.get_secret_value()
        await keep_partitions(url, plan, now=ports.clock.now())


async def do_recurring_work(ports: Ports, settings: DispatchSettings) -> None:
    """Do it until cancelled, while no other process does."""
    runner = RecurringRunner(
        settings.database_url.get_secret_value(),
        schema.recurring_work,
        recurring_works(ports, settings),
        clock=ports.clock,
        metrics=RecurringMetrics(ports.registry),
    )
    await runner.run()


def _forgetting(ports: Ports, name: str, column: sa.Column[Any], kept: timedelta) -> RecurringWork:
    async def work() -> None:
        before: datetime = ports.clock.now() - kept
        moment = before.date() if isinstance(column.type, sa.Date) else before
        deleted = await delete_older(ports.database, column, moment)
        if deleted:
            log.info("out of retention", work=name, rows=deleted)

    return RecurringWork(name=name, every=HOUR, work=work)
