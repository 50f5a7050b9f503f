"""What holds up one order does not hold up the other companies' orders of its batch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import sqlalchemy as sa
from support.booking_world import BookingWorld
from support.dispatch_client import DispatchApi

from atmr_common.database.tenancy import of_company
from dispatch_api import schema
from dispatch_api.bookings.express import batch

PATIENCE_S = 3.0
"""Far more than a batch waits, far less than a statement may take."""


@pytest.fixture
async def writing(dispatch_api: DispatchApi) -> AsyncIterator[DispatchApi]:
    group = dispatch_api.ports.express
    assert group is not None
    task = asyncio.create_task(group.run())
    async with asyncio.timeout(10):
        while not group.writing:  # noqa: ASYNC110 (it tells nobody)
            await asyncio.sleep(0.01)
    yield dispatch_api
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def patient_held(world: BookingWorld, patient_id: str) -> AsyncIterator[None]:
    """As an erasure or a key rotation holds a patient's row."""
    patient = schema.metadata.tables["dispatch.patient"]
    row = sa.select(patient.c.id).where(patient.c.id == UUID(patient_id)).with_for_update()
    async with world.api.ports.database.transaction(of_company(world.company_id)) as session:
        await session.execute(row)
        yield


async def test_patients_who_are_held_do_not_hold_up_another_company(
    writing: DispatchApi, company_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, other = BookingWorld(writing, company_id), BookingWorld(writing, await writing.company())
    slow, quick = await held.leg(), [await other.leg() for _ in range(3)]
    begun = batches_begun(monkeypatch)
    async with writing.client(held.company_id) as first, writing.client(other.company_id) as second:
        async with patient_held(held, slow["patient_id"]):
            waiting = []
            for _ in range(2):  # each writer has one
                waiting.append(asyncio.create_task(first.post("/v1/bookings", json=slow)))
                await begun.acquire()
            began = time.perf_counter()
            answers = await asyncio.gather(
                *(second.post("/v1/bookings", json=leg) for leg in quick)
            )
            took_s = time.perf_counter() - began
            assert not any(each.done() for each in waiting)
        assert [(await each).status_code for each in waiting] == [201, 201]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert took_s < PATIENCE_S


def batches_begun(monkeypatch: pytest.MonkeyPatch) -> asyncio.Semaphore:
    """Released whenever a writer begins a batch."""
    begun, real = asyncio.Semaphore(0), batch.BookingBatch.__call__

    async def told(self: batch.BookingBatch, connection: Any, orders: Any) -> Any:
        begun.release()
        return await real(self, connection, orders)

    monkeypatch.setattr(batch.BookingBatch, "__call__", told)
    return begun


class Stuck:
    """A connection that takes no statement any more, and is not closed by itself."""

    def __init__(self) -> None:
        self.terminated = False

    async def execute(self, statement: str) -> Any:
        del statement
        raise TimeoutError

    def terminate(self) -> None:
        self.terminated = True


async def test_a_connection_that_cannot_roll_back_is_not_used_again() -> None:
    connection = Stuck()
    await batch._roll_back(connection)
    assert connection.terminated


def test_a_lock_that_is_not_had_in_time_leads_to_the_usual_path() -> None:
    assert issubclass(asyncpg.LockNotAvailableError, batch.REFUSED)
