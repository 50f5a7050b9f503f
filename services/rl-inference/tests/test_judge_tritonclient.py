"""Triton's own client, unchanged, against the doors (`make test-judges`)."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from support.inference_doors import TOKEN
from support.inference_server import served_doors

triton: Any = pytest.importorskip(
    "tritonclient.http", reason="make test-judges brings tritonclient", exc_type=ImportError
)
NUMBERS = np.arange(60, dtype=np.float32).reshape(20, 3) / 7


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with served_doors("triton") as doors:
        made = triton.InferenceServerClient(doors.address)
        yield made
        made.close()


def headers() -> dict[str, str]:
    """Made anew for each call: the client writes into what it is given."""
    return {"authorization": TOKEN}


def inputs(*, binary: bool) -> list[Any]:
    made = [triton.InferInput(name, [20, 3], "FP32") for name in ("left", "right")]
    for each in made:
        each.set_data_from_numpy(NUMBERS, binary_data=binary)
    return made


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("packing", [None, "gzip", "deflate"])
@pytest.mark.parametrize("version", ["", "3"])
def test_inferences_come_back_bit_by_bit(
    client: Any, *, binary: bool, named: bool, packing: str | None, version: str
) -> None:
    outputs = [triton.InferRequestedOutput("sum", binary_data=binary)] if named else None
    result = client.infer(
        "adder",
        inputs(binary=binary),
        model_version=version,
        outputs=outputs,
        request_id="77",
        headers=headers(),
        request_compression_algorithm=packing,
        response_compression_algorithm=packing,
    )
    assert result.as_numpy("sum").tobytes() == (NUMBERS + NUMBERS).tobytes()
    assert result.get_response()["id"] == "77"
    assert (result.as_numpy("totals") is None) == named


def test_texts_come_back(client: Any) -> None:
    texts = np.array([[b"a", "é".encode()]], dtype=np.object_)
    tensor = triton.InferInput("in", [1, 2], "BYTES")
    tensor.set_data_from_numpy(texts)
    result = client.infer("identity-bytes", [tensor], headers=headers())
    assert result.as_numpy("out").tolist() == texts.tolist()


def test_the_client_understands_what_the_server_says_of_itself(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("adder")
    assert client.is_model_ready("adder", "3")
    assert not client.is_model_ready("none")
    assert client.get_server_metadata()["name"] == "triton"
    assert client.get_model_metadata("adder")["inputs"][0]["shape"] == [-1, 3]
    assert client.get_model_config("adder")["max_batch_size"] == 64


def test_the_client_runs_the_repository(client: Any) -> None:
    names = {each["name"] for each in client.get_model_repository_index(headers=headers())}
    assert {"adder", "identity-bytes"} <= names
    client.load_model("adder", headers=headers())
    client.unload_model("adder", headers=headers())
    stats = client.get_inference_statistics("adder", headers=headers())["model_stats"]
    assert stats[0]["inference_count"] == 5


def test_errors_are_in_the_words_that_the_client_compares(client: Any) -> None:
    with pytest.raises(triton.InferenceServerException, match="Request for unknown model"):
        client.infer("none", inputs(binary=True), headers=headers())
    with pytest.raises(triton.InferenceServerException, match="failed to load 'none'"):
        client.load_model("none", headers=headers())
    with pytest.raises(triton.InferenceServerException, match="Send a token"):
        client.infer("adder", inputs(binary=True))


def test_texts_come_back_as_json(client: Any) -> None:
    texts = np.array([["a", "é"]], dtype=np.object_)
    tensor = triton.InferInput("in", [1, 2], "BYTES")
    tensor.set_data_from_numpy(texts, binary_data=False)
    outputs = [triton.InferRequestedOutput("out", binary_data=False)]
    result = client.infer("identity-bytes", [tensor], outputs=outputs, headers=headers())
    assert result.as_numpy("out").tolist() == texts.tolist()


def test_priority_and_timeout_are_taken(client: Any) -> None:
    result = client.infer(
        "adder", inputs(binary=True), priority=1, timeout=900_000, headers=headers()
    )
    assert result.as_numpy("totals").tolist() == (NUMBERS * 2).sum(axis=1, dtype="f8").tolist()
    with pytest.raises(triton.InferenceServerException, match="keep no state"):
        client.infer("adder", inputs(binary=True), sequence_id=7, headers=headers())


def test_shared_memory_is_refused_and_not_ignored(client: Any) -> None:
    made = inputs(binary=True)
    made[0].set_shared_memory("region", 240)
    with pytest.raises(triton.InferenceServerException, match="shared memory is not supported"):
        client.infer("adder", made, headers=headers())


def test_many_ask_at_once(client: Any) -> None:
    asked = [client.async_infer("adder", inputs(binary=True), headers=headers()) for _ in range(20)]
    for each in asked:
        assert each.get_result().as_numpy("sum").tobytes() == (NUMBERS + NUMBERS).tobytes()


@pytest.mark.parametrize("packing", [None, "gzip", "deflate"])
@pytest.mark.parametrize("binary", [True, False])
async def test_the_client_of_asyncio_is_answered_too(
    client: Any, *, binary: bool, packing: str | None
) -> None:
    aio: Any = importlib.import_module("tritonclient.http.aio")
    async with aio.InferenceServerClient(client._parsed_url.netloc) as asking:
        assert await asking.is_server_ready()
        assert await asking.is_model_ready("adder")
        assert (await asking.get_model_metadata("adder"))["name"] == "adder"
        assert (await asking.get_model_config("adder"))["max_batch_size"] == 64
        result = await asking.infer(
            "adder",
            inputs(binary=binary),
            headers=headers(),
            request_compression_algorithm=packing,
            response_compression_algorithm=packing,
        )
        assert result.as_numpy("sum").tobytes() == (NUMBERS + NUMBERS).tobytes()
        stats = await asking.get_inference_statistics(headers=headers())
        assert {each["name"] for each in stats["model_stats"]} >= {"adder"}
        with pytest.raises(triton.InferenceServerException, match="Request for unknown model"):
            await asking.infer("none", inputs(binary=True), headers=headers())
