"""The bare booking endpoint three ways: the usual SQLModel way, single statements, group commit.

Bare: no token, no key, no row-level security, nothing sealed; a booking and its outbox row.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson
import sqlalchemy as sa
from fastapi import Depends, FastAPI
from pydantic import ValidationError
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlmodel import Field, SQLModel

from atmr_common.database.engine import asyncpg_url
from atmr_common.database.group_commit import GroupCommit
from atmr_common.runtime.identifiers import new_id
from dispatch_api.bookings.schemas import NewBooking

PATH = "/v1/bookings"
TOPIC = "dispatch.booking.v1"


class BareBooking(SQLModel, table=True):
    __tablename__ = "bare_booking"

    id: uuid.UUID = Field(primary_key=True, default_factory=new_id)
    patient_id: uuid.UUID
    direction: str
    pickup_place_id: uuid.UUID
    dropoff_place_id: uuid.UUID
    pickup_from: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    pickup_to: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    appointment_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    mobility: str | None = None
    companions: int = 0
    purpose: str | None = None
    notes: str | None = None
    state: str = "confirmed"
    version: int = 1
    created_at: datetime = Field(sa_type=sa.DateTime(timezone=True))


class BareOutbox(SQLModel, table=True):
    __tablename__ = "bare_outbox"

    position: int | None = Field(default=None, primary_key=True)
    topic: str
    key: str
    headers: dict[str, Any] = Field(sa_type=JSONB)
    value: bytes


COLUMNS = list(BareBooking.model_fields)
ASKED = [name for name in COLUMNS if name not in {"id", "state", "version", "created_at"}]
INSERT = f"""
    WITH booked AS (
        INSERT INTO bare_booking ({", ".join(COLUMNS)}) VALUES ({{}})
    ) INSERT INTO bare_outbox (topic, key, headers, value) VALUES ({{}})
"""  # noqa: S608 (names are ours)


def headers(key: str) -> dict[str, str]:
    return {
        "ce_id": str(new_id()),
        "ce_type": f"{TOPIC}.BookingRequested",
        "ce_subject": key,
        "ce_time": datetime.now(UTC).isoformat(),
    }


def usual(url: str) -> FastAPI:
    """As one writes it with FastAPI and SQLModel: models in, models out, a session per request."""
    engine = create_async_engine(asyncpg_url(url), pool_size=16, max_overflow=0)
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def session() -> AsyncIterator[AsyncSession]:
        async with sessions() as opened:
            yield opened

    app = FastAPI()

    @app.post(PATH, status_code=201)
    async def book(
        new: NewBooking,
        session: AsyncSession = Depends(session),  # noqa: FAST002 (a local name)
    ) -> BareBooking:
        booking = BareBooking(**new.model_dump(include=set(ASKED)), created_at=datetime.now(UTC))
        session.add(booking)
        key = str(booking.id)
        value = new.model_dump_json().encode()
        session.add(BareOutbox(topic=TOPIC, key=key, headers=headers(key), value=value))
        await session.commit()
        await session.refresh(booking)
        return booking

    return app


class RawDoor:
    """A raw ASGI application that validates, books and answers."""

    def __init__(self, opening: Any) -> None:
        self._opening = opening

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, answer = await self._book(body)
        named = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": named})
        await send({"type": "http.response.body", "body": answer})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        async with self._opening() as self._write:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _book(self, body: bytes) -> tuple[int, bytes]:
        try:
            new = NewBooking.model_validate_json(body)
        except ValidationError as error:
            return 422, error.json().encode()
        booked = (new_id(), *(getattr(new, name) for name in ASKED), "confirmed", 1)
        row = (*booked, datetime.now(UTC))
        answer = orjson.dumps(dict(zip(COLUMNS, row, strict=True)))
        key = str(row[0])
        told = (TOPIC, key, orjson.dumps(headers(key)).decode(), new.model_dump_json().encode())
        await self._write((row, told))
        return 201, answer


def single(url: str) -> RawDoor:
    """One statement per booking, over a pool of asyncpg."""
    first = len(COLUMNS)
    statement = INSERT.format(
        ", ".join(f"${n}" for n in range(1, first + 1)),
        ", ".join(f"${n}" for n in range(first + 1, first + 5)),
    )

    @asynccontextmanager
    async def opening() -> AsyncIterator[Any]:
        async with asyncpg.create_pool(url, min_size=16, max_size=16) as pool:

            async def write(item: tuple[Any, Any]) -> None:
                await pool.execute(statement, *item[0], *item[1])

            yield write

    return RawDoor(opening)


def group(url: str) -> RawDoor:
    """Bookings that arrive together share a transaction."""
    kinds = {
        "id": "uuid",
        "patient_id": "uuid",
        "pickup_place_id": "uuid",
        "dropoff_place_id": "uuid",
        "pickup_from": "timestamptz",
        "pickup_to": "timestamptz",
        "appointment_at": "timestamptz",
        "created_at": "timestamptz",
        "companions": "integer",
        "version": "integer",
    }
    arrays = [f"${n}::{kinds.get(name, 'text')}[]" for n, name in enumerate(COLUMNS, 1)]
    first = len(COLUMNS) + 1
    told = [f"${first}::text[]", f"${first + 1}::text[]", f"${first + 2}::text[]"]
    statement = f"""
        WITH booked AS (
            INSERT INTO bare_booking ({", ".join(COLUMNS)})
            SELECT * FROM unnest({", ".join(arrays)})
        ) INSERT INTO bare_outbox (topic, key, headers, value)
        SELECT topic, key, headers::jsonb, value
        FROM unnest({", ".join(told)}, ${first + 3}::bytea[]) AS item(topic, key, headers, value)
    """  # noqa: S608 (names are ours)

    async def commit(connection: Any, items: Sequence[tuple[Any, Any]]) -> Sequence[None]:
        rows = zip(*(item[0] for item in items), strict=True)
        events = zip(*(item[1] for item in items), strict=True)
        await connection.execute(statement, *rows, *events)
        return [None] * len(items)

    @asynccontextmanager
    async def opening() -> AsyncIterator[Any]:
        writers: GroupCommit[Any, None] = GroupCommit(lambda: asyncpg.connect(url), commit)
        running = asyncio.create_task(writers.run())
        yield writers.submit
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    return RawDoor(opening)


async def make_tables(url: str) -> None:
    engine = create_async_engine(asyncpg_url(url))
    async with engine.begin() as connection:
        tables = [SQLModel.metadata.tables[name] for name in ("bare_booking", "bare_outbox")]
        await connection.run_sync(SQLModel.metadata.create_all, tables=tables)
    await engine.dispose()


WAYS = {"usual": usual, "single": single, "group": group}
