"""The official Connect client judges the policy's and the delays' service, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from connectrpc.client import ConnectClient
from connectrpc.code import Code
from connectrpc.compat import google_protobuf_json_codec
from connectrpc.compression.gzip import GzipCompression
from connectrpc.errors import ConnectError
from support.connect_messages import M, method
from support.inference_doors import TOKEN
from support.inference_plane import delays, policy
from support.inference_server import served_doors

from atmr_common.contracts import policy as policy_contract
from atmr_common.contracts import risk

SCORE = method(
    policy_contract.SERVICE,
    policy_contract.SCORE_CANDIDATES,
    "ScoreCandidatesRequest",
    "ScoreCandidatesResponse",
)
PREDICT = method(risk.SERVICE, risk.PREDICT, "PredictRequest", "PredictResponse")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served_doors(models=(policy(), delays())) as doors:
        yield f"http://{doors.address}"


def client(address: str, *, packed: bool = False) -> ConnectClient:
    packing = GzipCompression() if packed else None
    return ConnectClient(address, codec=google_protobuf_json_codec(), send_compression=packing)


def question(rows: int, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "codec_version": 1,
        "model": "dispatch-policy",
        "candidates": M["Tensor"](shape=[rows, 4], values=[0.5] * rows * 4),
        "context": M["Tensor"](shape=[2], values=[1, 2]),
        "mask": [True] * rows,
    }
    return M["ScoreCandidatesRequest"](**(values | changes))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("rows", [1, 64, 200])
async def test_candidates_are_scored(address: str, *, packed: bool, rows: int) -> None:
    async with client(address, packed=packed) as asking:
        answer = await asking.execute_unary(
            request=question(rows), method=SCORE, headers={"authorization": TOKEN}, timeout_ms=9000
        )
    assert list(answer.scores) == [5.0] * rows
    assert (answer.model.name, answer.model.version) == ("dispatch-policy", 3)


@pytest.mark.parametrize("rows", [2, 130])
async def test_delays_are_predicted(address: str, rows: int) -> None:
    values = np.arange(rows * 3).tolist()
    request = M["PredictRequest"](
        feature_version=2, rows=M["Tensor"](shape=[rows, 3], values=values)
    )
    async with client(address) as asking:
        answer = await asking.execute_unary(
            request=request, method=PREDICT, headers={"authorization": TOKEN}
        )
    assert list(answer.levels) == [0.1, 0.5, 0.9]
    assert list(answer.delay_s.shape) == [rows, 3]
    assert list(answer.delay_s.values)[1::3] == values[::3]
    assert list(answer.late_probabilities) == [0.25] * rows
    assert answer.calibrated


@pytest.mark.parametrize(
    ("changes", "token", "code"),
    [
        ({"codec_version": 7}, TOKEN, Code.FAILED_PRECONDITION),
        ({"mask": [True, True]}, TOKEN, Code.INVALID_ARGUMENT),
        ({"model": "none"}, TOKEN, Code.NOT_FOUND),
        ({}, "Bearer bad", Code.UNAUTHENTICATED),
        ({"mask": [True] * 70_000}, TOKEN, Code.RESOURCE_EXHAUSTED),
    ],
)
async def test_a_refusal_has_its_code(
    address: str, changes: dict[str, Any], token: str, code: Code
) -> None:
    async with client(address) as asking:
        with pytest.raises(ConnectError) as caught:
            await asking.execute_unary(
                request=question(1, **changes), method=SCORE, headers={"authorization": token}
            )
    assert caught.value.code == code
