"""What a company uses is counted with what it does, and its quota holds exactly."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from support.booking_world import BookingWorld
from support.dispatch_client import DispatchApi

from atmr_common.database.tenancy import of_company
from atmr_common.web.identity import Role
from dispatch_api.companies.schemas import Company, CompanyQuotas
from dispatch_api.usage.domain import usage_day
from dispatch_api.usage.errors import QuotaExceededError
from dispatch_api.usage.quotas import Quotas

ZURICH = ZoneInfo("Europe/Zurich")
MIDNIGHT = "2026-03-16T23:00:00+00:00"  # of Zurich, after the day of the tests
CSV = (
    "booking_id,patient_ref,direction,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,pickup_from,"
    "mobility\n"
)


@pytest.fixture
def world(dispatch_api: DispatchApi, company_id: UUID) -> BookingWorld:
    return BookingWorld(dispatch_api, company_id)


async def set_quotas(dispatch_api: DispatchApi, company_id: UUID, **quotas: Any) -> None:
    async with dispatch_api.client(None, Role.SERVICE) as platform:
        answer = await platform.put(f"/v1/companies/{company_id}/quotas", json=quotas)
    assert answer.status_code == 200, answer.text


async def usage(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/v1/company/usage")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def booked_today(client: httpx.AsyncClient) -> int:
    return int((await usage(client))["today"]["bookings"])


async def import_rows(client: httpx.AsyncClient, *names: str, **parameters: str) -> httpx.Response:
    rows = (f"{n},P-{n},ALLER,46.2,6.14,46.19,6.15,2026-03-16T08:10,ambulatory" for n in names)
    return await client.post(
        "/v1/imports/bookings",
        params=parameters,
        content=(CSV + "\n".join(rows)).encode(),
        headers={"Content-Type": "text/csv"},
    )


async def test_every_way_to_book_is_counted(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    assert await booked_today(dispatcher) == 0
    leg = await world.leg()
    assert (await dispatcher.post("/v1/bookings", json=leg)).status_code == 201
    assert await booked_today(dispatcher) == 1
    assert (await import_rows(dispatcher, "A", "B", "C")).status_code == 200
    assert await booked_today(dispatcher) == 4
    assert (await import_rows(dispatcher, "A", "B", "D")).status_code == 200
    assert await booked_today(dispatcher) == 5


async def test_what_was_refused_or_rehearsed_is_not_counted(
    world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    leg = await world.leg(pickup_place_id=str(uuid4()))
    assert (await dispatcher.post("/v1/bookings", json=leg)).status_code == 404
    assert (await import_rows(dispatcher, "A", dry_run="true")).json()["applied"] is False
    assert await booked_today(dispatcher) == 0


async def test_beyond_the_quota_nothing_is_booked_and_the_answer_says_why(
    dispatch_api: DispatchApi, world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    await set_quotas(dispatch_api, world.company_id, daily_bookings=2)
    for _ in range(2):
        await dispatcher.post("/v1/bookings", json=await world.leg())
    answer = await dispatcher.post("/v1/bookings", json=await world.leg())
    assert answer.status_code == 429
    problem = answer.json()
    assert (problem["code"], problem["quota"]) == ("quota_exceeded", "bookings")
    assert (problem["limit"], problem["used"], problem["resets_at"]) == (2, 2, MIDNIGHT)
    assert int(answer.headers["retry-after"]) == 17 * 3600
    assert len((await dispatcher.get("/v1/bookings")).json()["items"]) == 2
    registry = dispatch_api.ports.registry
    assert registry.get_sample_value("atmr_quota_refusals_total", {"kind": "bookings"}) == 1
    assert registry.get_sample_value("atmr_usage_total", {"kind": "bookings"}) == 2


async def test_a_round_trip_is_two_bookings_and_fits_whole_or_not(
    dispatch_api: DispatchApi, world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    await set_quotas(dispatch_api, world.company_id, daily_bookings=3)
    first = await dispatcher.post("/v1/bookings/round-trips", json=await round_trip(world))
    assert first.status_code == 201, first.text
    second = await dispatcher.post("/v1/bookings/round-trips", json=await round_trip(world))
    assert second.json()["code"] == "quota_exceeded"
    assert await booked_today(dispatcher) == 2


async def round_trip(world: BookingWorld) -> dict[str, Any]:
    leg = await world.leg()
    outbound = {name: leg.pop(name) for name in ("pickup_from", "pickup_to")}
    return leg | {"outbound": outbound, "inbound": {"will_call": True}}


async def test_an_import_beyond_the_quota_imports_nothing(
    dispatch_api: DispatchApi, company_id: UUID, dispatcher: httpx.AsyncClient
) -> None:
    await set_quotas(dispatch_api, company_id, daily_bookings=2)
    for dry_run in ("true", "false"):
        answer = await import_rows(dispatcher, "A", "B", "C", dry_run=dry_run)
        assert (answer.status_code, answer.json()["code"]) == (429, "quota_exceeded")
    assert (await dispatcher.get("/v1/bookings")).json()["items"] == []
    assert (await import_rows(dispatcher, "A", "B")).json()["applied"] is True
    assert (await import_rows(dispatcher, "A", "B")).json()["applied"] is True  # nothing new


async def test_at_once_they_get_as_much_as_one_by_one(
    dispatch_api: DispatchApi, world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    await set_quotas(dispatch_api, world.company_id, daily_bookings=7)
    legs = [await world.leg() for _ in range(20)]
    answers = await asyncio.gather(*(dispatcher.post("/v1/bookings", json=leg) for leg in legs))
    assert sorted(answer.status_code for answer in answers) == [201] * 7 + [429] * 13
    assert await booked_today(dispatcher) == 7


async def test_one_companys_quota_leaves_the_others_untouched(
    dispatch_api: DispatchApi, world: BookingWorld, dispatcher: httpx.AsyncClient
) -> None:
    await set_quotas(dispatch_api, world.company_id, daily_bookings=0)
    refused = await dispatcher.post("/v1/bookings", json=await world.leg())
    assert refused.status_code == 429
    other = BookingWorld(dispatch_api, await dispatch_api.company("Another"))
    async with dispatch_api.client(other.company_id) as client:
        assert (await client.post("/v1/bookings", json=await other.leg())).status_code == 201
        assert await booked_today(client) == 1
    assert await booked_today(dispatcher) == 0


async def test_the_next_day_begins_anew_and_the_last_one_is_shown(
    dispatch_api: DispatchApi, world: BookingWorld
) -> None:
    await set_quotas(dispatch_api, world.company_id, daily_bookings=1)
    async with dispatch_api.client(world.company_id) as dispatcher:
        assert (await dispatcher.post("/v1/bookings", json=await world.leg())).status_code == 201
    dispatch_api.clock.advance(timedelta(hours=17))
    async with dispatch_api.client(world.company_id) as dispatcher:
        leg = await world.leg(
            pickup_from="2026-03-17T08:10:00+01:00", pickup_to="2026-03-17T08:30:00+01:00"
        )
        assert (await dispatcher.post("/v1/bookings", json=leg)).status_code == 201
        shown = await usage(dispatcher)
    assert [day["day"] for day in shown["days"]] == ["2026-03-17", "2026-03-16"]
    assert [day["bookings"] for day in shown["days"]] == [1, 1]
    assert shown["quotas"] == {"daily_bookings": 1, "daily_solver_seconds": None}


async def test_two_open_transactions_do_not_wait_for_each_other(
    dispatch_api: DispatchApi, company_id: UUID
) -> None:
    """Far from its quota, a company's bookings are committed side by side."""
    database, quotas = dispatch_api.ports.database, dispatch_api.ports.quotas
    await set_quotas(dispatch_api, company_id, daily_bookings=1000)
    async with asyncio.timeout(10), database.transaction(of_company(company_id)) as first:
        await quotas.spend_bookings(first, company_id, 1)
        async with database.transaction(of_company(company_id)) as second:
            await quotas.spend_bookings(second, company_id, 1)


async def test_search_time_is_counted_and_refused_when_it_is_used_up(
    dispatch_api: DispatchApi, company_id: UUID, dispatcher: httpx.AsyncClient
) -> None:
    database, quotas = dispatch_api.ports.database, dispatch_api.ports.quotas
    await set_quotas(dispatch_api, company_id, daily_solver_seconds=10)
    for seconds in (4.5, 6.0):
        async with database.transaction(of_company(company_id)) as session:
            await quotas.check_solver_seconds(session, company_id)
            await quotas.spend_solver_seconds(session, company_id, seconds)
    async with database.transaction(of_company(company_id)) as session:
        with pytest.raises(QuotaExceededError) as refused:
            await quotas.check_solver_seconds(session, company_id)
    assert refused.value.extra["used"] == 10.5
    assert (await usage(dispatcher))["today"]["solver_seconds"] == 10.5


async def test_quotas_are_the_platforms_to_set(dispatch_api: DispatchApi, company_id: UUID) -> None:
    async with dispatch_api.client(company_id, Role.ADMIN) as admin:
        by_path = await admin.put(f"/v1/companies/{company_id}/quotas", json={})
        by_change = await admin.patch("/v1/company", json={"quotas": {"daily_bookings": 9}})
    assert (by_path.status_code, by_change.status_code) == (403, 422)
    async with dispatch_api.client(None, Role.SERVICE) as platform:
        unknown = await platform.put(f"/v1/companies/{uuid4()}/quotas", json={})
        negative = await platform.put(
            f"/v1/companies/{company_id}/quotas", json={"daily_bookings": -1}
        )
    assert (unknown.status_code, negative.status_code) == (404, 422)


async def test_the_services_default_counts_where_a_company_has_none(
    dispatch_api: DispatchApi, company_id: UUID
) -> None:
    defaults = CompanyQuotas(daily_bookings=5, daily_solver_seconds=60)
    quotas = Quotas(defaults, dispatch_api.clock, CollectorRegistry())
    await set_quotas(dispatch_api, company_id, daily_bookings=0)
    async with dispatch_api.client(company_id) as client:
        company = Company.model_validate((await client.get("/v1/company")).json())
    assert quotas.of(company) == CompanyQuotas(daily_bookings=0, daily_solver_seconds=60)


@pytest.mark.parametrize("role", [Role.CLINIC, Role.DRIVER])
async def test_only_those_who_dispatch_see_it(
    dispatch_api: DispatchApi, company_id: UUID, role: Role
) -> None:
    async with dispatch_api.client(company_id, role) as client:
        assert (await client.get("/v1/company/usage")).status_code == 403


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 (Hypothesis adds the zone)
def test_every_moment_is_in_one_day(moment: datetime) -> None:
    day = usage_day(moment, ZURICH)
    assert moment < day.ends_at
    assert usage_day(day.ends_at, ZURICH).day == day.day + timedelta(days=1)
    assert day.ends_at - moment <= timedelta(hours=25)
