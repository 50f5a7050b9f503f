"""Batches of several processes, open at once, do not take a company past its quota."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry
from support.booking_world import BookingWorld
from support.dispatch_client import DispatchApi

from atmr_common.database.asyncpg_connection import close, connect
from atmr_common.database.tenancy import of_companies
from atmr_common.web.access import Caller
from atmr_common.web.identity import Role
from dispatch_api.bookings.express.batch import BookingBatch
from dispatch_api.bookings.express.orders import Order
from dispatch_api.bookings.schemas import NewBooking
from dispatch_api.companies.schemas import CompanyQuotas
from dispatch_api.schema import SCHEMA
from dispatch_api.settings import DispatchSettings
from dispatch_api.usage.quotas import Quotas

WRITERS, EACH = 8, 16
QUOTA = 120  # WRITERS * EACH is more, and one batch alone is far from it


@pytest.mark.parametrize(("quota", "most"), [(QUOTA, QUOTA), (10_000, WRITERS * EACH)])
async def test_batches_that_do_not_see_each_other_stay_within_the_quota(
    dispatch_api: DispatchApi,
    dispatch_settings: DispatchSettings,
    monkeypatch: pytest.MonkeyPatch,
    quota: int,
    most: int,
) -> None:
    company_id = await dispatch_api.company()
    async with dispatch_api.client(None, Role.SERVICE) as platform:
        quotas = {"daily_bookings": quota}
        await platform.put(f"/v1/companies/{company_id}/quotas", json=quotas)
    orders = [await an_order(dispatch_api, company_id)] * EACH
    read_together(monkeypatch)
    url = dispatch_settings.database_url.get_secret_value()
    nobody = of_companies(())
    connections = [
        await connect(url, schema=SCHEMA, tenancy=nobody, application="test")
        for _ in range(WRITERS)
    ]
    booked = await asyncio.gather(
        *(BookingBatch(dispatch_api.ports)(connection, orders) for connection in connections)
    )
    for connection in connections:
        await close(connection)
    taken = sum(each is not None for batch in booked for each in batch)
    assert taken <= most
    assert taken == most or quota == QUOTA  # far from the quota nothing is left out


async def test_the_services_quota_holds_for_a_company_without_its_own(
    dispatch_api: DispatchApi, dispatch_settings: DispatchSettings, company_id: UUID
) -> None:
    usual = Quotas(CompanyQuotas(daily_bookings=3), dispatch_api.ports.clock, CollectorRegistry())
    url = dispatch_settings.database_url.get_secret_value()
    connection = await connect(url, schema=SCHEMA, tenancy=of_companies(()), application="test")
    orders = [await an_order(dispatch_api, company_id)] * 4
    batch = BookingBatch(replace(dispatch_api.ports, quotas=usual))
    assert await batch(connection, orders) == [None] * 4  # the usual path counts them exactly
    await close(connection)


async def an_order(api: DispatchApi, company_id: UUID) -> Order:
    leg = await BookingWorld(api, company_id).leg()
    return Order(
        caller=Caller(subject="tester", role=Role.DISPATCHER, company_id=company_id),
        new=NewBooking.model_validate(leg),
        repeatable=None,
        traceparent=None,
    )


def read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """No batch writes before each of them has read."""
    everyone, real = asyncio.Barrier(WRITERS), BookingBatch._accepted

    async def accepted(self: BookingBatch, *asked: Any) -> Any:
        found = await real(self, *asked)
        await everyone.wait()
        return found

    monkeypatch.setattr(BookingBatch, "_accepted", accepted)
