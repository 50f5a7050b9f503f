"""The door that every service has: problems, request ids, limits, metrics, health."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query, Request
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from atmr_common.web.problems import ConflictError
from atmr_common.web.service_app import ServiceDescription, create_service_app


class Order(BaseModel):
    cups: int


def teapot() -> APIRouter:
    router = APIRouter()

    @router.post("/cups/{table}")
    async def pour(table: int, order: Order) -> dict[str, int]:
        if order.cups > 9:
            raise ConflictError("The pot holds nine cups.", most=9)
        return {"table": table, "cups": order.cups}

    @router.get("/broken")
    async def broken(times: Annotated[int, Query(ge=1)] = 1) -> None:
        raise RuntimeError(f"secret {times}")

    @router.post("/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    return router


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


@pytest.fixture
def failures() -> dict[str, str]:
    return {}


@pytest.fixture
async def door(failures: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    async def ready() -> str | None:
        return failures.get("kettle")

    app = create_service_app(
        ServiceDescription(
            name="teapot",
            title="Teapot",
            summary="Pours.",
            version="1",
            routers=[teapot()],
            lifespan=lifespan,
            registry=CollectorRegistry(),
            max_body_bytes=1_000,
            readiness={"kettle": ready},
        )
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://teapot") as client:
        yield client


async def test_a_domain_problem(door: httpx.AsyncClient) -> None:
    answer = await door.post("/cups/1", json={"cups": 10})
    problem = answer.json()
    assert answer.status_code == problem["status"] == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["code"] == "conflict"
    assert problem["most"] == 9
    assert problem["request_id"] == answer.headers["x-request-id"]


async def test_fastapis_own_422_has_a_pointer_per_field(door: httpx.AsyncClient) -> None:
    answer = await door.post("/cups/x", json={"cups": "many"})
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert answer.status_code == 422
    assert pointers == {"#/path/table", "#/body/cups"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "not_found"), ("GET", "/cups/1", 405, "method_not_allowed")],
)
async def test_the_frameworks_refusals_are_problems(
    door: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await door.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_an_unforeseen_error_tells_nothing_but_the_request_id(
    door: httpx.AsyncClient,
) -> None:
    answer = await door.get("/broken", headers={"X-Request-Id": "abc-1"})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["request_id"] == "abc-1"


@pytest.mark.parametrize("offered", ["x" * 65, "bad\x7f"])
async def test_a_strange_request_id_is_replaced(door: httpx.AsyncClient, offered: str) -> None:
    answer = await door.get("/livez", headers={"X-Request-Id": offered})
    assert answer.headers["x-request-id"] != offered


async def test_a_body_over_the_limit_is_refused(door: httpx.AsyncClient) -> None:
    assert (await door.post("/echo", content=b"x" * 1_000)).json() == 1_000
    answer = await door.post("/echo", content=b"x" * 1_001)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("encoding", [None, "identity", "gzip", "br", "x"])
async def test_no_word_about_an_encoding_lets_ambiguous_json_pass(
    door: httpx.AsyncClient, encoding: str | None
) -> None:
    headers = {"Content-Type": "application/json"}
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    answer = await door.post("/cups/1", content=b'{"cups":1,"cups":2}', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "json_unreadable")
    answer = await door.post("/cups/1", content=b'{"cups":2}', headers=headers)
    assert answer.json() == {"table": 1, "cups": 2}


@pytest.mark.parametrize("path", ["/echo", "/cups/1"])
async def test_a_body_without_a_length_is_counted(door: httpx.AsyncClient, path: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    answer = await door.post(path, content=chunks(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_metrics_name_templates_and_never_paths(door: httpx.AsyncClient) -> None:
    await door.post("/cups/12345", json={"cups": 1})
    await door.get("/nowhere/6789")
    metrics = (await door.get("/metrics")).text
    line = 'atmr_http_requests_total{method="POST",route="/cups/{table}",status="200"} 1.0'
    assert line in metrics
    assert 'route="unmatched"' in metrics
    assert "12345" not in metrics
    assert "6789" not in metrics


async def test_readiness_names_what_is_missing(
    door: httpx.AsyncClient, failures: dict[str, str]
) -> None:
    assert (await door.get("/readyz")).status_code == 200
    failures["kettle"] = "the kettle is cold"
    answer = await door.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["failed"] == failures
    assert (await door.get("/livez")).status_code == 200
    assert (await door.get("/startupz")).json()["service"] == "teapot"


async def test_openapi_shows_the_problem_and_not_fastapis_own_error(
    door: httpx.AsyncClient,
) -> None:
    document = (await door.get("/openapi.json")).json()
    answers = document["paths"]["/cups/{table}"]["post"]["responses"]
    refused = answers["422"]
    assert {"400", "413"} <= answers.keys()
    assert list(refused["content"]) == ["application/problem+json"]
    assert "Problem" in document["components"]["schemas"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
