"""The limits of the door: per company, and per address for those who cannot say who they are."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.dispatch_client import DispatchApi
from support.redis import OwnRedis
from support.tokens import TokenSigner

from atmr_common.runtime.clock import FixedClock, SystemClock
from atmr_common.web.client_address import UNKNOWN, client_address
from dispatch_api.app import create_app
from dispatch_api.composition import make_ports
from dispatch_api.settings import DispatchSettings

Opening = Callable[..., AbstractAsyncContextManager[DispatchApi]]
SLOW = 0.001


@pytest.fixture
def opened(dispatch_settings: DispatchSettings, development_issuer: TokenSigner) -> Opening:
    """dispatch-api with other settings."""

    @asynccontextmanager
    async def opening(**changes: Any) -> AsyncIterator[DispatchApi]:
        settings = dispatch_settings.model_copy(update=changes)
        clock = FixedClock(SystemClock().now())
        jwks = development_issuer.jwks()
        async with make_ports(settings, clock=clock, jwks=jwks) as ports:
            yield DispatchApi(create_app(settings, ports), ports, clock, development_issuer)

    return opening


def nobody(api: DispatchApi, address: str = "192.0.2.1", **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(api.app, client=(address, 5000))
    wrong = {"Authorization": f"Bearer {base64.b64encode(b'wrong').decode()}"}
    return httpx.AsyncClient(
        transport=transport, base_url="http://dispatch", headers=wrong | headers
    )


async def test_a_flood_is_refused_and_leaves_other_companies_untouched(opened: Opening) -> None:
    async with opened(rate_limit_per_s=SLOW, rate_burst=3) as api:
        flooding, quiet = await api.company("Flood"), await api.company("Quiet")
        async with api.client(flooding) as client:
            answers = [await client.get("/v1/company") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        problem = answers[-1].json()
        assert (problem["code"], problem["limit"]) == ("rate_limited", "company")
        assert int(answers[-1].headers["retry-after"]) == problem["retry_after_s"] == 1000
        async with api.client(quiet) as client:
            assert (await client.get("/v1/company")).status_code == 200
        count = api.ports.registry.get_sample_value
        labels = {"limit": "company", "outcome": "refused", "counted": "shared"}
        assert count("atmr_rate_limit_requests_total", labels) == 2


async def test_answers_tell_the_policy_and_what_is_left(opened: Opening) -> None:
    async with opened(rate_limit_per_s=2, rate_burst=10) as api:
        company_id = await api.company()
        async with api.client(company_id) as client:
            found, missing = await client.get("/v1/company"), await client.get("/v1/vehicles/x")
    assert found.headers["ratelimit-policy"] == '"company";q=10;w=5'
    assert found.headers["ratelimit"] == '"company";r=9;t=1'
    assert missing.headers["ratelimit"].startswith('"company";r=8;')
    assert "ratelimit-local" not in found.headers


async def test_failed_authentications_are_bounded_per_address(opened: Opening) -> None:
    async with opened(auth_failures_per_min=SLOW, auth_failure_burst=2) as api:
        company_id = await api.company()
        async with nobody(api) as client:
            answers = [await client.get("/v1/company") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert answers[2].json()["limit"] == "failed-authentications"
        assert "retry-after" in answers[2].headers
        async with nobody(api, "192.0.2.2") as client:
            assert (await client.get("/v1/company")).status_code == 401
        async with api.client(company_id) as client:  # one address may be a whole clinic's
            assert (await client.get("/v1/company")).status_code == 200


@pytest.mark.parametrize(("proxies", "expected"), [(0, 429), (1, 401)])
async def test_a_forwarded_address_counts_only_behind_own_proxies(
    opened: Opening, proxies: int, expected: int
) -> None:
    limits = {"auth_failures_per_min": SLOW, "auth_failure_burst": 1}
    async with opened(trusted_proxies=proxies, **limits) as api:
        for address in ("198.51.100.1", "198.51.100.2"):
            async with nobody(api, **{"X-Forwarded-For": f"spoofed, {address}"}) as client:
                answer = await client.get("/v1/company")
    assert answer.status_code == expected


async def test_redis_killed_in_the_middle_requests_go_on_marked(
    opened: Opening, own_redis: OwnRedis, dispatch_settings: DispatchSettings
) -> None:
    fields = dispatch_settings.model_dump() | {"redis_url": own_redis.url}
    redis_url = DispatchSettings.model_validate(fields).redis_url
    async with opened(redis_url=redis_url) as api:
        company_id = await api.company()
        async with api.client(company_id) as client:
            before = [await client.get("/v1/company") for _ in range(5)]
            own_redis.kill()
            after = [await client.get("/v1/company") for _ in range(60)]
        assert {answer.status_code for answer in before + after} == {200}
        assert all("ratelimit-local" not in answer.headers for answer in before)
        assert after[-1].headers["ratelimit-local"] == "?1"
        degraded = api.ports.registry.get_sample_value
        assert degraded("atmr_cache_degraded", {"part": "rate_limits"}) == 1


@pytest.mark.parametrize(
    ("client", "forwarded", "proxies", "expected"),
    [
        ("192.0.2.7", None, 0, "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", 0, "192.0.2.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", 1, "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", 2, "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", 2, "10.0.0.1"),
        ("2001:db8:1:2:3::4", None, 0, "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", None, 0, "192.0.2.7"),
        ("testclient", None, 0, UNKNOWN),
    ],
)
def test_the_address_of_a_client(
    client: str, forwarded: str | None, proxies: int, expected: str
) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    scope = {"client": (client, 1), "headers": headers}
    assert client_address(scope, proxies=proxies) == expected


@given(st.binary(max_size=60), st.integers(0, 3))
def test_no_header_breaks_it(value: bytes, proxies: int) -> None:
    scope = {"client": None, "headers": [(b"x-forwarded-for", value)]}
    assert client_address(scope, proxies=proxies)
