"""grpc.aio with raw tensors as messages: the least that gRPC costs, without any protobuf."""

from __future__ import annotations

import asyncio
import sys

import grpc
import numpy as np
from session import open_session

METHOD = "Infer"
SERVICE = "perceptron"


async def main() -> None:
    """Serve; the arguments are the model's file and the width of its input."""
    session, width = open_session(sys.argv[1]), int(sys.argv[2])

    async def infer(request: bytes, _: grpc.aio.ServicerContext) -> bytes:
        state = np.frombuffer(request, np.float32).reshape(-1, width)
        [scores] = session.run(["scores"], {"features": state})
        return bytes(scores.tobytes())

    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(infer)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
