"""rl-inference's committed OpenAPI is what the code says, and what the doors answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import orjson
import pytest
from support.inference_doors import TOKEN, Doors
from support.inference_plane import FakePlane

from rl_inference.errors import NotReadyError
from rl_inference.openapi_document import document

ROOT = Path(__file__).parents[2]
DOCUMENT = document()
HEALTH = {"livez", "readyz", "startupz", "metrics"}
OPERATIONS = {
    operation["operationId"]: operation
    for methods in DOCUMENT["paths"].values()
    for operation in methods.values()
}
OURS = sorted(OPERATIONS.keys() - HEALTH)
INPUTS = [
    {"name": name, "datatype": "FP32", "shape": [1, 3], "data": [1, 2.5, 3]}
    for name in ("left", "right")
]
INFER = "/v2/models/adder/infer"
SCORE = "/atmr.policy.v1.PolicyService/ScoreCandidates"
PREDICT = "/atmr.risk.v1.DelayRiskService/Predict"
EXCHANGES: list[tuple[str, str, Any, int]] = [
    ("GET", "/v2", None, 200),
    ("GET", "/v2/health/live", None, 200),
    ("GET", "/v2/health/ready", None, 200),
    ("GET", "/v2/models/adder", None, 200),
    ("GET", "/v2/models/adder/versions/3", None, 200),
    ("GET", "/v2/models/none", None, 404),
    ("GET", "/v2/models/adder/ready", None, 200),
    ("GET", "/v2/models/away/ready", None, 503),
    ("GET", "/v2/models/away/config", None, 503),
    ("GET", "/v2/models/adder/config", None, 200),
    ("GET", "/v2/models/adder/stats", None, 200),
    ("GET", "/v2/models/stats", None, 200),
    ("POST", "/v2/repository/index", {}, 200),
    ("POST", "/v2/repository/index", {"ready": "yes"}, 400),
    ("POST", "/v2/repository/models/none/load", {}, 400),
    ("POST", INFER, {"inputs": INPUTS, "id": "7"}, 200),
    ("POST", INFER, {"inputs": INPUTS, "parameters": {"binary_data_output": True}}, 200),
    ("POST", INFER, {"inputs": []}, 400),
    ("POST", "/v2/models/away/infer", {"inputs": INPUTS}, 503),
    ("POST", "/v2/models/adder/versions/champion/infer", {"inputs": INPUTS}, 200),
    ("POST", PREDICT, {"featureVersion": 2, "rows": {"shape": [1, 3], "values": [1, 2, 3]}}, 200),
    ("POST", PREDICT, {"featureVersion": 2}, 400),
    ("POST", SCORE, {"codecVersion": 9}, 400),
]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    plane = FakePlane()
    plane.failing["away"] = NotReadyError("'away' is unloaded")
    transport = httpx.ASGITransport(Doors(plane).app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://doors", headers={"authorization": TOKEN}
    ) as client:
        yield client


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def described(method: str, path: str) -> dict[str, Any]:
    """The operation whose template fits the path, the most exact one first."""

    def fits(template: str) -> bool:
        theirs, ours = template.split("/"), path.split("/")
        return len(theirs) == len(ours) and all(
            mine == each or each.startswith("{") for mine, each in zip(ours, theirs, strict=True)
        )

    template = min(filter(fits, DOCUMENT["paths"]), key=lambda each: each.count("{"))
    operation: dict[str, Any] = DOCUMENT["paths"][template][method.lower()]
    return operation


def check(value: Any, schema: dict[str, Any]) -> None:
    whole = {"components": DOCUMENT["components"], **schema}
    jsonschema_rs.Draft202012Validator(whole).validate(value)


def test_the_committed_document_is_up_to_date() -> None:
    committed = json.loads((ROOT / "docs" / "openapi" / "rl-inference.json").read_text())
    assert committed == DOCUMENT, "run `make openapi` and commit the result"


def test_every_reference_leads_somewhere() -> None:
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert set(references(DOCUMENT)) <= known


@pytest.mark.parametrize("name", OURS)
def test_an_operation_says_what_it_does_and_what_can_go_wrong(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation.get("description"), "an operation needs a docstring"
    assert "default" in operation["responses"]
    assert ("401" in operation["responses"]) == ("security" in operation)
    for status, answer in operation["responses"].items():
        if not status.startswith("2"):
            assert list(answer["content"]) == ["application/json"], f"{status} is of another form"


@pytest.mark.parametrize(("method", "path", "body", "status"), EXCHANGES)
async def test_the_doors_answer_as_described(
    http: httpx.AsyncClient, method: str, path: str, body: Any, status: int
) -> None:
    operation = described(method, path)
    if body is not None and status == 200:
        check(body, operation["requestBody"]["content"]["application/json"]["schema"])
    answer = await http.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    told = operation["responses"][str(status)]
    kind = answer.headers["content-type"]
    assert kind in told["content"], f"{kind} is not described"
    length = answer.headers.get("inference-header-content-length")
    assert length is None or "Inference-Header-Content-Length" in told["headers"]
    value = orjson.loads(answer.content[: int(length)] if length else answer.content)
    check(value, told["content"]["application/json"]["schema"])
