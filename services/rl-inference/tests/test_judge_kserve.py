"""KServe's REST client for the protocol's version 2, unchanged (`make test-judges`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from support.inference_doors import TOKEN
from support.inference_server import served_doors

kserve: Any = pytest.importorskip(
    "kserve", reason="make test-judges brings kserve", exc_type=ImportError
)
HEADERS = {"authorization": TOKEN}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served_doors() as doors:
        yield f"http://{doors.address}"


def client() -> Any:
    return kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v2", retries=0, timeout=10))


def inference(numbers: Any, *, binary: bool) -> Any:
    inputs = []
    for name in ("left", "right"):
        tensor = kserve.InferInput(name, list(numbers.shape), "FP32")
        tensor.set_data_from_numpy(numbers, binary_data=binary)
        inputs.append(tensor)
    return kserve.InferRequest(model_name="adder", infer_inputs=inputs, request_id="77")


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("rows", [1, 60])
async def test_inferences_come_back(address: str, *, binary: bool, rows: int) -> None:
    numbers = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3) / 7
    async with client() as asking:
        answer = await asking.infer(
            address, inference(numbers, binary=binary), model_name="adder", headers=dict(HEADERS)
        )
    assert answer.id == "77"
    assert answer.model_name == "adder"  # it does not read the version
    found = {output.name: output.as_numpy() for output in answer.outputs}
    assert found["sum"].tobytes() == (numbers + numbers).tobytes()


async def test_the_client_understands_health(address: str) -> None:
    async with client() as asking:
        assert await asking.is_server_live(address)
        assert await asking.is_server_ready(address)
        assert await asking.is_model_ready(address, "adder")
        assert not await asking.is_model_ready(address, "none")


@pytest.mark.parametrize(("model", "token", "status"), [("none", TOKEN, 404), ("adder", "x", 401)])
async def test_errors_reach_the_caller(address: str, model: str, token: str, status: int) -> None:
    numbers = np.zeros((1, 3), np.float32)
    async with client() as asking:
        with pytest.raises(httpx.HTTPStatusError) as caught:
            await asking.infer(
                address,
                inference(numbers, binary=True),
                model_name=model,
                headers={"authorization": token},
            )
    assert caught.value.response.status_code == status
    assert caught.value.response.json()["error"] in str(caught.value)
