"""The same question in each protocol: what goes over the wire for one state of the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
from benchmarks.serving.perceptron import INPUT, NAME, OUTPUT
from numpy.typing import NDArray


def state(width: int, rows: int = 1) -> NDArray[np.float32]:
    """The rows that are asked for: the same ones each time, so that answers can be compared."""
    return np.random.default_rng(5).standard_normal((rows, width), dtype=np.float32)


def json_request(values: NDArray[np.float32], token: str | None) -> bytes:
    """An inference in JSON, as a client of the Open Inference Protocol writes it."""
    return _post(orjson.dumps(_head(values, data=values.ravel().tolist())), token)


def binary_request(values: NDArray[np.float32], token: str | None) -> bytes:
    """An inference with binary tensors in both directions."""
    tensor = values.tobytes()
    head = _head(values, parameters={"binary_data_size": len(tensor)})
    head["outputs"] = [{"name": OUTPUT, "parameters": {"binary_data": True}}]
    json = orjson.dumps(head)
    return _post(json + tensor, token, f"Inference-Header-Content-Length: {len(json)}\r\n")


def _head(values: NDArray[np.float32], **more: Any) -> dict[str, Any]:
    tensor = {"name": INPUT, "datatype": "FP32", "shape": list(values.shape)} | more
    return {"inputs": [tensor]}


def _post(body: bytes, token: str | None, more: str = "") -> bytes:
    kind = "application/octet-stream" if more else "application/json"
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"POST /v2/models/{NAME}/infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
        f"{bearer}{more}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def scores_of(answer: bytes) -> NDArray[np.float32]:
    """The scores in a whole HTTP answer, JSON or binary."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    length = int(lines.get(b"inference-header-content-length", len(body)))
    [output] = orjson.loads(body[:length])["outputs"]
    if "data" in output:
        return np.array(output["data"], np.float32).ravel()
    return np.frombuffer(body[length:], np.float32)
