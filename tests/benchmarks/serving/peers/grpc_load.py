"""Loads `grpc_tensors.py`, and prints how many answers came and how long they took."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import grpc
import numpy as np


async def ask(channel: grpc.aio.Channel, request: bytes, until: float, took: list[float]) -> None:
    """One caller after the other's answer, until the time is over."""
    call = channel.unary_unary("/perceptron/Infer")
    while (started := time.perf_counter()) < until:
        await call(request)
        took.append(time.perf_counter() - started)


async def main() -> None:
    """The arguments: port, width of the input, connections, seconds."""
    port, width, connections, seconds = sys.argv[1:]
    state = np.random.default_rng(5).standard_normal((1, int(width)), dtype=np.float32)
    took: list[float] = []
    target = f"127.0.0.1:{port}"
    options = [("grpc.use_local_subchannel_pool", 1)]  # a connection of its own for each channel
    channels = [grpc.aio.insecure_channel(target, options) for _ in range(int(connections))]
    answer = await channels[0].unary_unary("/perceptron/Infer")(state.tobytes())
    until = time.perf_counter() + float(seconds)
    await asyncio.gather(*(ask(each, state.tobytes(), until, took) for each in channels))
    scores = np.frombuffer(answer, np.float32).tolist()
    sys.stdout.write(json.dumps({"latencies_s": took, "scores": scores}) + "\n")
    await asyncio.gather(*(channel.close() for channel in channels))


if __name__ == "__main__":
    asyncio.run(main())
