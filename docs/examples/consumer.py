"""Follows the bookings of ATMR Dispatch: `python consumer.py localhost:9092`; needs aiokafka alone.

Each event takes effect once: its id is kept in the transaction of its effect, here in SQLite.
"""

import asyncio
import json
import sqlite3
import sys

from aiokafka import AIOKafkaConsumer

TABLES = """
CREATE TABLE IF NOT EXISTS inbox (event_id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS booking (id TEXT PRIMARY KEY, epoch INT, version INT, event TEXT);
"""


def take_in(store: sqlite3.Connection, headers: dict[str, str], event: dict[str, object]) -> None:
    """The id and the effect in one transaction; the effect is yours to replace."""
    kind, epoch = headers["ce_type"].rpartition(".")[2], int(headers.get("ce_epoch", "0"))
    row = (headers["ce_subject"], epoch, int(headers["ce_aggregateversion"]), kind)
    with store:
        new = store.execute("INSERT OR IGNORE INTO inbox VALUES (?)", [headers["ce_id"]])
        if new.rowcount == 0:
            return  # a repeat
        store.execute("INSERT OR REPLACE INTO booking VALUES (?, ?, ?, ?)", row)
    print(f"{headers['ce_time']} {kind} {json.dumps(event)}", flush=True)


async def follow(bootstrap: str, topic: str = "dispatch.booking.v1", file: str = "inbox.db"):
    store = sqlite3.connect(file)
    store.executescript(TABLES)
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id="example-consumer",
        auto_offset_reset="earliest",
        enable_auto_commit=False,  # the offset is committed after the effect, never before
    )
    async with consumer:
        async for record in consumer:
            headers = {name: value.decode() for name, value in record.headers}
            take_in(store, headers, json.loads(record.value))
            await consumer.commit()


if __name__ == "__main__":
    asyncio.run(follow(*sys.argv[1:]))
