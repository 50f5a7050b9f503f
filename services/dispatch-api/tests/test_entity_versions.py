"""What two people edit has an ETag, and a change that names an older one is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from support.dispatch_client import DispatchApi
from support.tenants import Tenant, a_tenant

from atmr_common.web.identity import Role
from dispatch_api.openapi_command import document
from dispatch_api.settings import DispatchSettings

CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "company": ("/v1/company", {"name": "Renamed"}),
    "patient": ("/v1/patients/{patient_id}", {"phone": "+41 22 555 01 99"}),
    "place": ("/v1/places/{place_id}", {"floor": "3"}),
    "home": ("/v1/places/{home_id}", {"floor": "3"}),
    "vehicle": ("/v1/vehicles/{vehicle_id}", {"seats": 5}),
    "driver": ("/v1/drivers/{driver_id}", {"name": "Renamed"}),
    "shift": ("/v1/shifts/{shift_id}", {"breaks": []}),
    "duty": ("/v1/duties/{duty_id}", {"name": "Renamed"}),
}


@pytest.fixture
async def tenant(dispatch_api: DispatchApi, dispatch_settings: DispatchSettings) -> Tenant:
    return await a_tenant(dispatch_api, dispatch_settings)


async def patch(
    client: httpx.AsyncClient, path: str, change: dict[str, Any], seen: str | None
) -> httpx.Response:
    headers = {} if seen is None else {"If-Match": seen}
    return await client.patch(path, json=change, headers=headers)


async def test_an_older_version_is_refused_and_nothing_changes(tenant: Tenant) -> None:
    wrong = {}
    async with tenant.client(Role.ADMIN) as client:
        for name, (template, change) in CHANGES.items():
            path = template.format(**tenant.ids)
            read = await client.get(path)
            version = read.json()["version"]
            stale = await patch(client, path, change, f'"{version + 1}"')
            unread = await patch(client, path, change, "yesterday's")
            still = await client.get(path)
            changed = await patch(client, path, change, read.headers["etag"])
            late = await patch(client, path, change, read.headers["etag"])
            careless = await patch(client, path, change, None)
            any_version = await patch(client, path, change, "*")
            found = [
                answer.status_code
                for answer in (read, stale, unread, still, changed, late, careless, any_version)
            ]
            told = (stale.json()["code"], stale.json()["version"], unread.json()["code"])
            tags = [answer.headers["etag"] for answer in (read, still, changed, careless)]
            versions = [answer.json()["version"] for answer in (read, still, changed, careless)]
            if (
                found != [200, 412, 422, 200, 200, 412, 200, 200]
                or told != ("version_changed", version, "invalid")
                or tags != [f'"{each}"' for each in versions]
                or versions != [version, version, version + 1, version + 2]
            ):
                wrong[name] = (found, told, tags, versions)
    assert wrong == {}


async def test_of_two_at_once_one_wins(tenant: Tenant) -> None:
    async with tenant.client(Role.ADMIN) as client:
        for template, change in CHANGES.values():
            path = template.format(**tenant.ids)
            seen = (await client.get(path)).headers["etag"]
            both = await asyncio.gather(*(patch(client, path, change, seen) for _ in range(2)))
            codes = sorted(answer.status_code for answer in both)
            assert codes in ([200, 412], [200, 409]), (path, codes)


async def test_a_pin_is_corrected_as_it_was_seen(tenant: Tenant) -> None:
    path = f"/v1/places/{tenant.ids['place_id']}"
    async with tenant.client() as client:
        seen = (await client.get(path)).headers["etag"]
        pin = {"lat": 46.2, "lon": 6.1}
        first = await client.patch(f"{path}/pin", json=pin, headers={"If-Match": seen})
        second = await client.patch(f"{path}/pin", json=pin, headers={"If-Match": seen})
    assert (first.status_code, second.status_code) == (200, 412)
    assert first.headers["etag"] == f'"{first.json()["version"]}"'


async def test_the_platform_sets_quotas_as_it_saw_them(tenant: Tenant) -> None:
    path = f"/v1/companies/{tenant.company_id}/quotas"
    async with tenant.api.client(None, Role.SERVICE) as platform:
        first = await platform.put(path, json={"daily_bookings": 5}, headers={"If-Match": '"1"'})
        second = await platform.put(path, json={"daily_bookings": 6}, headers={"If-Match": '"1"'})
    assert (first.status_code, second.status_code) == (200, 412)


def test_every_change_of_what_has_a_version_takes_if_match() -> None:
    """A new PATCH cannot forget it."""
    without = [
        operation["operationId"]
        for methods in document()["paths"].values()
        for method, operation in methods.items()
        if method == "patch"
        and "if-match" not in {each["name"].lower() for each in operation.get("parameters", ())}
    ]
    assert without == []
