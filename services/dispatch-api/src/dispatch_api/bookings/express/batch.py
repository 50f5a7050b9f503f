"""One transaction for many orders: read what they need, make the bookings, write all of it.

What is not plain sailing is left out and gets no booking here: its request goes on to the usual
path, which also finds the words for what is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import structlog

from atmr_common.database.group_commit import LOST, OutcomeUnknownError
from atmr_common.runtime.crash_points import HTTP_COMMITTED
from dispatch_api.bookings.express import statements
from dispatch_api.bookings.express.orders import Accepted, Found, Order, accept
from dispatch_api.bookings.express.rows import Rows
from dispatch_api.bookings.intake import Intake
from dispatch_api.ports import Ports
from dispatch_api.usage.quotas import MARGIN

log = structlog.get_logger(__name__)

REFUSED = (asyncpg.PostgresError, asyncpg.InternalClientError, ValueError, OverflowError, *LOST)
OPEN_BATCHES = 16
"""Of one company over all processes, none of which sees the others' bookings: near its quota, a
batch takes no more than its share of what is left."""
zone_named = lru_cache(maxsize=1_000)(ZoneInfo)


class BookingBatch:
    """Writes orders on a connection of the role `app`; `ports` are the application's."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._rows = Rows(ports.outbox, ports.answers)

    async def __call__(self, connection: Any, orders: Sequence[Order]) -> list[Accepted | None]:
        """The booking of each order; None where the usual path must be asked.

        Raises:
            OutcomeUnknownError: when the connection was lost while committing.

        """
        wanted = dict(enumerate(orders))
        while wanted:
            try:
                accepted, in_the_way = await self._write(connection, wanted)
            except Exception as error:  # noqa: BLE001 (the usual path says why, or fails alike)
                if not isinstance(error, REFUSED):
                    log.warning("bookings take the usual path", error=error)
                await _roll_back(connection)
                break
            if not in_the_way:
                if accepted:
                    await self._commit(connection, accepted.values())
                return [accepted.get(n) for n in range(len(orders))]
            wanted = {n: accepted[n].order for n in accepted if n not in in_the_way}
        return [None] * len(orders)

    async def _write(
        self, connection: Any, wanted: dict[int, Order]
    ) -> tuple[dict[int, Accepted], set[int]]:
        """What is written in the open transaction, and what is in the way of committing it.

        With something in the way nothing stays; without anything to write no transaction is open.
        """
        companies = ",".join(sorted({str(order.caller.company_id) for order in wanted.values()}))
        await connection.execute(f"BEGIN; SET LOCAL app.company_ids = '{companies}'")
        now = self._ports.clock.now()
        accepted = await self._accepted(connection, wanted, now)
        in_the_way: set[int] = set()
        if accepted:
            values = self._rows.of(accepted.values(), now)
            booked, kept = await connection.fetchrow(statements.WRITE, *values)
            in_the_way = _left_out(accepted, set(booked), set(kept))
        if in_the_way or not accepted:
            await connection.execute("ROLLBACK")
        return accepted, in_the_way

    async def _accepted(
        self, connection: Any, wanted: dict[int, Order], now: datetime
    ) -> dict[int, Accepted]:
        """The orders that are plain sailing; each one's patient is held."""
        asked = zip(*map(_asked, wanted.values()), strict=True)
        usual = self._ports.quotas.daily_bookings
        rows = await connection.fetch(statements.READ, *asked, now, usual is not None)
        coming = Counter(order.caller.company_id for order in wanted.values())
        accepted: dict[int, Accepted] = {}
        keys: set[str | None] = set()
        numbers = list(wanted)
        for row in rows:
            n = numbers[row[0] - 1]
            found, order = _found(row), wanted[n]
            limit = found.quotas.get("daily_bookings")  # null where the company has none
            limit = usual if limit is None else limit
            used = found.booked_today or 0
            own = coming[order.caller.company_id]
            if limit is not None and limit - MARGIN < used + own * OPEN_BATCHES:
                continue
            intake = Intake(
                vault=self._ports.vault,
                zone=zone_named(found.zone),
                now=now,
                booked_by=order.caller.subject,
            )
            booking = accept(order, found, intake)
            if booking is not None and (booking.key_name is None or booking.key_name not in keys):
                accepted[n] = booking
                keys.add(booking.key_name)
        return accepted

    async def _commit(self, connection: Any, accepted: Collection[Accepted]) -> None:
        try:
            await connection.execute("COMMIT")
        except REFUSED as error:
            with suppress(*REFUSED):
                await connection.close(timeout=1)
            raise OutcomeUnknownError from error
        self._ports.relay.nudge()
        self._ports.crash(HTTP_COMMITTED)
        self._ports.quotas.count_booked(len(accepted))


async def _roll_back(connection: Any) -> None:
    """The next batch must not begin inside this one: what cannot be rolled back is cut off."""
    try:
        await connection.execute("ROLLBACK")
    except REFUSED:
        connection.terminate()


def _left_out(accepted: dict[int, Accepted], booked: set[Any], kept: set[str]) -> set[int]:
    """Whose reference or key another one has."""
    return {
        n
        for n, each in accepted.items()
        if each.booking.id not in booked
        or (each.order.repeatable is not None and each.key_name not in kept)
    }


def _asked(order: Order) -> tuple[Any, ...]:
    new = order.new
    ends = (new.pickup_place_id, new.dropoff_place_id)
    return (order.caller.company_id, new.patient_id, *ends)


def _found(row: Sequence[Any]) -> Found:
    return Found(
        zone=row[1],
        quotas=statements.decoded(row[2]),
        booked_today=row[3],
        data_key=row[4],
        mobility=row[5],
        pickup=tuple(row[6:10]),
        dropoff=tuple(row[10:14]),
    )
