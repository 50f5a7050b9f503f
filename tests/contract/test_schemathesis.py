"""The API under schemathesis: no 500, no undocumented status, answers as their schemas say.

The company under test has a row of every kind; half of the ids that are made up become its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from schemathesis import BaseSchema
from support.api_fuzzing import run, schema_at
from support.api_probe import OF_KIND, Slot
from support.databases import create_database, drop_database, run_apart
from support.served_api import ServedApi, served_api
from support.tenants import Tenant

from atmr_common.web.identity import Role
from dispatch_api.openapi_command import document

EXPECTED = frozenset({("/v1/geocode", 503)})
"""This server has no index of addresses, and says so."""


@pytest.fixture(scope="module")
def served(migrated_template: tuple[str, str]) -> Iterator[ServedApi]:
    url = run_apart(create_database(*migrated_template))
    with served_api(url) as served:
        yield served
    run_apart(drop_database(migrated_template[0], urlsplit(url).path.lstrip("/")))


def with_own_ids(tenant: Tenant, value: Any, name: str = "") -> Any:
    """`value` with every other made-up id replaced by one of the tenant's that fits."""
    if isinstance(value, dict):
        return {key: with_own_ids(tenant, each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [with_own_ids(tenant, each, name) for each in value]
    try:
        made_up = UUID(value)
    except (ValueError, TypeError, AttributeError):
        return value
    kind = Slot("body", name).kind
    own = [each for each in OF_KIND.get(kind, (f"{kind}_id",)) if each in tenant.ids]
    return tenant.ids[own[made_up.int % len(own)]] if own and made_up.int % 2 else value


def schema_of(served: ServedApi, api: dict[str, Any], client: httpx.AsyncClient) -> BaseSchema:
    """What schemathesis works from: the API as `api` describes it, called as `client` is."""
    schema = schema_at(served.url, api, client.headers["authorization"])

    @schema.hook("map_path_parameters")
    def own_path(_: Any, values: Any) -> Any:
        return with_own_ids(served.tenant, values)

    @schema.hook("map_body")
    def own_body(_: Any, values: Any) -> Any:
        return with_own_ids(served.tenant, values)

    return schema


def test_the_api_does_as_it_says(served: ServedApi, capsys: pytest.CaptureFixture[str]) -> None:
    found, sent = run(schema_of(served, document(), served.tenant.client(Role.ADMIN)), EXPECTED)
    with capsys.disabled():
        print(f"\nschemathesis sent {dict(sent)}")  # noqa: T201 (a count to see)
    assert found == []
    assert sum(sent.values()) > 500, "schemathesis made up hardly any requests"


def test_the_platforms_operations_do_as_they_say(served: ServedApi) -> None:
    platform = served.tenant.api.client(None, Role.SERVICE)
    found, sent = run(schema_of(served, only("/v1/companies"), platform), EXPECTED)
    assert found == []
    assert sum(sent.values()) > 20


def test_an_answer_that_is_not_described_is_found(served: ServedApi) -> None:
    """The control: what is taken out of the description, the checks have to miss."""
    api = only("/v1/vehicles/{vehicle_id}/outages")
    for operation in api["paths"]["/v1/vehicles/{vehicle_id}/outages"].values():
        del operation["responses"]["404"]
    found, _ = run(schema_of(served, api, served.tenant.client(Role.ADMIN)), EXPECTED)
    assert any(fault.startswith("status_code_conformance") for fault in found)


def only(prefix: str) -> dict[str, Any]:
    """The description of the operations whose path begins so."""
    api = deepcopy(document())
    api["paths"] = {path: of for path, of in api["paths"].items() if path.startswith(prefix)}
    return api
