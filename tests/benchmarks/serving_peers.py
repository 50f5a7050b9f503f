"""The other servers of the serving benchmark, each the way its users write it.

`serving_peers.py KIND MODEL` serves MODEL on one core and prints its port. All answer the Open
Inference Protocol for one input `state` and one output `scores`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

ANSWER_BYTES = 2300
"""As long as an answer in JSON is: what the bare exchange sends back."""


def open_session(model: Path) -> onnxruntime.InferenceSession:
    """ONNX Runtime as all servers here use it: one thread, which does not spin."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class Exchange(asyncio.Protocol):
    """Answers every request with the same bytes: what the loop and the kernel cost alone."""

    def __init__(self) -> None:
        body = b"0" * ANSWER_BYTES
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n"
        self._answer = head.encode() + body
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        if self._missing == 0:
            head, _, body = data.partition(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n", 1)[0])
            self._missing = length - len(body)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            self._transport.write(self._answer)


async def serve_exchange(listener: socket.socket) -> None:
    server = await asyncio.get_running_loop().create_server(Exchange, sock=listener)
    await server.serve_forever()


async def serve_fastapi(listener: socket.socket, model: Path) -> None:
    import uvicorn  # noqa: PLC0415 (each server loads its own)
    from fastapi import FastAPI  # noqa: PLC0415
    from pydantic import BaseModel  # noqa: PLC0415

    class Tensor(BaseModel):
        name: str
        shape: list[int]
        datatype: str
        data: list[float]

    class Inference(BaseModel):
        id: str | None = None
        inputs: list[Tensor]

    class Answer(BaseModel):
        model_name: str
        id: str | None
        outputs: list[Tensor]

    app, session = FastAPI(), open_session(model)

    async def infer(request: Inference) -> Answer:
        state = np.array(request.inputs[0].data, np.float32).reshape(request.inputs[0].shape)
        [scores] = session.run(["scores"], {"state": state})
        output = Tensor(
            name="scores",
            shape=list(scores.shape),
            datatype="FP32",
            data=scores.ravel().tolist(),
        )
        return Answer(model_name="flat", id=request.id, outputs=[output])

    infer.__annotations__ = {"request": Inference, "return": Answer}
    app.post("/v2/models/flat/infer")(infer)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    await uvicorn.Server(config).serve(sockets=[listener])


def main() -> None:
    import uvloop  # noqa: PLC0415 (as above)

    kind, model = sys.argv[1], Path(sys.argv[2])
    os.sched_setaffinity(0, {0})
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(listener.getsockname()[1], flush=True)  # noqa: T201 (the benchmark reads it)
    serving = serve_exchange(listener) if kind == "exchange" else serve_fastapi(listener, model)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serving)


if __name__ == "__main__":
    main()
