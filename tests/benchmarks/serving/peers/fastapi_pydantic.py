"""The usual way: FastAPI with pydantic models of the protocol, on uvicorn."""

from __future__ import annotations

import socket
import sys

import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from session import open_session


class Tensor(BaseModel):
    """One tensor of the protocol."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float]


class Inference(BaseModel):
    """A request."""

    id: str | None = None
    inputs: list[Tensor]


class Answer(BaseModel):
    """Its answer."""

    id: str | None = None
    model_name: str
    outputs: list[Tensor]


def make_app(path: str) -> FastAPI:
    """The application around a session."""
    app, session = FastAPI(), open_session(path)

    @app.post("/v2/models/perceptron/infer")
    async def infer(request: Inference) -> Answer:
        tensor = request.inputs[0]
        state = np.array(tensor.data, np.float32).reshape(tensor.shape)
        [scores] = session.run(["scores"], {"features": state})
        output = Tensor(
            name="scores",
            datatype="FP32",
            shape=list(scores.shape),
            data=scores.ravel().tolist(),
        )
        return Answer(id=request.id, model_name="perceptron", outputs=[output])

    return app


def main() -> None:
    """Serve; the argument is the model's file."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(make_app(sys.argv[1]), log_config=None, access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
