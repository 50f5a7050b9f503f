"""The Open Inference Protocol over HTTP, as its clients use it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from support.inference_doors import MAX_BODY_BYTES, TOKEN, Doors
from support.inference_plane import FakePlane, adder, identity

from rl_inference.errors import (
    ComputationError,
    DataPlaneError,
    ExpiredError,
    NotReadyError,
    OverloadedError,
)

INFER = "/v2/models/adder/infer"
INPUTS = [
    {"name": name, "datatype": "FP32", "shape": [1, 3], "data": [1, 2.5, 3]}
    for name in ("left", "right")
]


@pytest.fixture
def doors() -> Doors:
    return Doors(FakePlane(adder(), identity("BYTES")))


@pytest.fixture
async def http(doors: Doors) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(doors.app, raise_app_exceptions=False)
    headers = {"authorization": TOKEN, "accept-encoding": "identity"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://doors", headers=headers
    ) as client:
        yield client


def error(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == {"error"}
    return answer.status_code, answer.json()["error"]


async def test_the_server_says_what_it_is(http: httpx.AsyncClient) -> None:
    told = (await http.get("/v2")).json()
    assert (told["name"], told["version"]) == ("atmr-rl-inference", "1.2.3")
    assert {"binary_tensor_data", "model_repository", "statistics"} <= set(told["extensions"])


async def test_health_needs_no_token(doors: Doors, http: httpx.AsyncClient) -> None:
    del http.headers["authorization"]
    assert (await http.get("/v2/health/live")).json() == {"live": True}
    assert (await http.get("/v2/health/ready")).json() == {"ready": True}
    doors.ready = False
    assert (await http.get("/v2/health/ready")).status_code == 503


@pytest.mark.parametrize("version", ["", "/versions/3", "/versions/champion"])
async def test_a_version_is_named_by_number_or_alias(http: httpx.AsyncClient, version: str) -> None:
    path = f"/v2/models/adder{version}"
    told = (await http.get(path)).json()
    assert (told["name"], told["versions"]) == ("adder", ["3"])
    assert told["inputs"][0] == {"name": "left", "datatype": "FP32", "shape": [-1, 3]}
    parameters = told["parameters"]
    assert parameters["provider"] == "CPUExecutionProvider"
    assert (parameters["batch_invariant"], parameters["precision"]) == (True, "float")
    assert "agreement" not in parameters
    assert (await http.get(f"{path}/ready")).json() == {"name": "adder", "ready": True}
    configured = (await http.get(f"{path}/config")).json()
    assert configured["max_batch_size"] == 64
    assert configured["input"][0] == {"name": "left", "data_type": "TYPE_FP32", "dims": [3]}
    answer = await http.post(f"{path}/infer", json={"inputs": INPUTS})
    assert answer.json()["model_version"] == "3"


@pytest.mark.parametrize(
    "path",
    [
        "/v2/models/none",
        "/v2/models/none/ready",
        "/v2/models/none/config",
        "/v2/models/none/stats",
        "/v2/models/%20/ready",
        "/v2/models/adder/versions/4",
        "/v2/models/adder/versions/shadow/ready",
        "/v2/models/adder/versions/99999999999999999999",
    ],
)
async def test_an_unknown_model_is_404_in_the_words_of_triton(
    http: httpx.AsyncClient, path: str
) -> None:
    status, message = error(await http.get(path))
    assert status == 404
    assert message.startswith("Request for unknown model")


async def test_the_answer_says_what_computed_it(doors: Doors, http: httpx.AsyncClient) -> None:
    answer = (await http.post(INFER, json={"inputs": INPUTS, "id": "7"})).json()
    assert answer == {
        "id": "7",
        "model_name": "adder",
        "model_version": "3",
        "parameters": {"provider": "CPUExecutionProvider"},
        "outputs": [
            {"name": "sum", "datatype": "FP32", "shape": [1, 3], "data": [2.0, 5.0, 6.0]},
            {"name": "totals", "datatype": "FP64", "shape": [1], "data": [13.0]},
        ],
    }
    doors.plane.models["adder"] = replace(adder(), degraded="gpu_unavailable")
    answer = (await http.post(INFER, json={"inputs": INPUTS})).json()
    assert answer["parameters"]["degraded"] == "gpu_unavailable"


async def test_outputs_come_in_binary_behind_the_json(http: httpx.AsyncClient) -> None:
    body = {"inputs": INPUTS, "parameters": {"binary_data_output": True}}
    answer = await http.post(INFER, json=body)
    length = int(answer.headers["inference-header-content-length"])
    outputs = orjson.loads(answer.content[:length])["outputs"]
    assert [each["parameters"] for each in outputs] == [
        {"binary_data_size": 12},
        {"binary_data_size": 8},
    ]
    assert np.frombuffer(answer.content[length:][:12], np.float32).tolist() == [2, 5, 6]
    assert np.frombuffer(answer.content[length:][12:], np.float64).tolist() == [13]


async def test_brackets_among_binary_numbers_are_no_nesting(http: httpx.AsyncClient) -> None:
    rows = 60
    inputs = [
        {"name": name, "datatype": "FP32", "shape": [rows, 3]}
        | {"parameters": {"binary_data_size": rows * 12}}
        for name in ("left", "right")
    ]
    head = orjson.dumps({"inputs": inputs})
    headers = {
        "content-type": "application/json",
        "inference-header-content-length": str(len(head)),
    }
    answer = await http.post(INFER, content=head + b"[" * rows * 24, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_bodies_are_packed_both_ways(http: httpx.AsyncClient, encoding: str) -> None:
    inputs = [each | {"shape": [60, 3], "data": [0.5] * 180} for each in INPUTS]
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    headers = {"content-encoding": encoding, "accept-encoding": encoding}
    body = pack(orjson.dumps({"inputs": inputs}))
    answer = await http.post(INFER, content=body, headers=headers)
    assert answer.headers["content-encoding"] == encoding
    assert answer.json()["outputs"][0]["data"] == [1.0] * 180


async def test_a_small_answer_is_not_packed(http: httpx.AsyncClient) -> None:
    answer = await http.post(INFER, json={"inputs": INPUTS}, headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in answer.headers


async def test_what_is_wrong_with_a_body_has_its_status(http: httpx.AsyncClient) -> None:
    async def post(content: bytes, **headers: str) -> tuple[int, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return error(await http.post(INFER, content=content, headers=named))

    assert await post(b"{}") == (400, "inputs must be a list of at least one tensor")
    bomb = gzip.compress(b"\0" * (MAX_BODY_BYTES + 1))
    assert (await post(bomb, content_encoding="gzip"))[0] == 413
    assert (await post(b"{}", content_encoding="br"))[0] == 415


@pytest.mark.parametrize(
    ("failure", "status", "retry"),
    [
        (ExpiredError("too late"), 504, None),
        (ComputationError("failed"), 500, None),
        (OverloadedError("full", 1.2), 429, "2"),
        (NotReadyError("loading"), 503, "2"),
    ],
)
async def test_errors_of_the_plane_have_their_status(
    doors: Doors, http: httpx.AsyncClient, failure: DataPlaneError, status: int, retry: str | None
) -> None:
    doors.plane.refusing = failure
    answer = await http.post(INFER, json={"inputs": INPUTS})
    assert error(answer) == (status, str(failure))
    assert answer.headers.get("retry-after") == retry


async def test_a_model_that_is_known_and_not_ready_is_503(
    doors: Doors, http: httpx.AsyncClient
) -> None:
    doors.plane.failing["adder"] = NotReadyError("gpu_unavailable")
    answer = await http.get("/v2/models/adder/ready")
    assert (answer.status_code, answer.json()) == (503, {"name": "adder", "ready": False})


async def test_bytes_that_are_no_text_have_to_be_asked_for_in_binary(
    http: httpx.AsyncClient,
) -> None:
    content = b"\x01\0\0\0\xff\x01\0\0\0a"
    tensor = {"name": "in", "datatype": "BYTES", "shape": [1, 2]}
    head = orjson.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": len(content)}}]})
    headers = {"inference-header-content-length": str(len(head))}
    path = "/v2/models/identity-bytes/infer"
    status, message = error(await http.post(path, content=head + content, headers=headers))
    assert status == 400
    assert "binary_data" in message


async def test_the_repository_lists_what_is_ready_and_why_not(http: httpx.AsyncClient) -> None:
    listed = (await http.post("/v2/repository/index", content=b"{}")).json()
    assert {"name": "adder", "version": "3", "state": "READY", "reason": ""} in listed
    refused = {"version": "4", "state": "UNAVAILABLE", "reason": "checksum_mismatch"}
    assert {"name": "adder"} | refused in listed
    ready = (await http.post("/v2/repository/index", json={"ready": True})).json()
    assert {each["state"] for each in ready} == {"READY"}
    assert (await http.post("/v2/repository/index", json={"ready": 1})).status_code == 400
    assert (await http.post("/v2/repository/index", content=b"[]")).status_code == 400


async def test_models_are_loaded_and_unloaded(doors: Doors, http: httpx.AsyncClient) -> None:
    path = "/v2/repository/models"
    assert (await http.post(f"{path}/adder/load")).status_code == 200
    unload = {"parameters": {"unload_dependents": False}}
    assert (await http.post(f"{path}/adder/unload", json=unload)).status_code == 200
    assert doors.plane.changes == ["load adder", "unload adder"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("none", {}),
        ("corrupt", {}),
        ("adder", {"parameters": {"config": "{}"}}),
        ("adder", {"parameters": {"file:1/model.onnx": "AA"}}),
    ],
)
async def test_a_failed_load_says_so_in_the_words_of_triton(
    http: httpx.AsyncClient, name: str, body: dict[str, Any]
) -> None:
    status, message = error(await http.post(f"/v2/repository/models/{name}/load", json=body))
    assert status == 400
    assert message.startswith(f"failed to load '{name}', ")
    assert message.count("failed to load") == 1


@pytest.mark.parametrize(
    "path", ["/v2/models/stats", "/v2/models/adder/stats", "/v2/models/adder/versions/3/stats"]
)
async def test_statistics_count(http: httpx.AsyncClient, path: str) -> None:
    stats = (await http.get(path)).json()["model_stats"]
    assert (stats[0]["name"], stats[0]["version"]) == ("adder", "3")
    assert stats[0]["inference_count"] == 5
    assert stats[0]["batch_stats"][0]["batch_size"] == 5


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", INFER, 401),
        ("GET", "/v2/models/stats", 401),
        ("POST", "/v2/repository/models/adder/unload", 401),
        ("GET", "/v2/models//infer", 404),
        ("GET", "/v2/nothing", 404),
        ("GET", INFER, 405),
        ("DELETE", "/v2/models/adder", 405),
    ],
)
async def test_every_refusal_has_the_form_of_the_protocol(
    http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    del http.headers["authorization"]
    answer = await http.request(method, path)
    assert error(answer)[0] == status
    assert ("allow" in answer.headers) == (status == 405)


async def test_openapi_names_every_parameter_of_its_paths(doors: Doors) -> None:
    schema = doors.app.openapi()
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            declared = {each["name"] for each in operation.get("parameters", ())}
            assert declared >= {"name"} if "{name}" in path else declared == set(), path
            assert ("{version}" in path) == ("version" in declared), path
    infer = schema["paths"]["/v2/models/{name}/infer"]["post"]
    assert {"application/json", "application/octet-stream"} <= set(infer["requestBody"]["content"])
