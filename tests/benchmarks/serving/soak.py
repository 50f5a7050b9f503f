"""A million requests: does anything grow?"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.serving.goals import at_most, say
from benchmarks.serving.load import put_load
from benchmarks.serving.messages import binary_request, json_request, state
from benchmarks.serving.perceptron import FLAT, perceptron, publish_perceptron
from benchmarks.serving.servers import Server, ours
from support.progress_bar import ProgressBar

STEP_S = 5.0
GROWTH_MIB = 2.0
"""From when both kinds of requests have come many times; the allocator's own noise is below it."""
EARLY = 0.4


async def soak(options: argparse.Namespace, folder: Path) -> bool:
    """JSON and binary in turn, with new connections in each step."""
    publish_perceptron(folder / "models", 1, perceptron(FLAT, seed=0))
    with ours(folder / "models", folder) as server:
        values = state(FLAT[0])
        requests = (binary_request(values, server.token), json_request(values, server.token))
        bar, done, steps = ProgressBar(options.requests, "requests"), 0, 0
        early: tuple[float, int, int] | None = None
        while done < options.requests:
            load = await put_load(server.port, requests[steps % 2], connections=64, seconds=STEP_S)
            if load.refused:
                raise SystemExit(f"{load.refused} refused: {load.answer[:400]!r}")
            done, steps = done + load.done, steps + 1
            bar.reach(done)
            if early is None and done >= EARLY * options.requests:
                early = _held(server)
        late = _held(server)
    assert early is not None
    say(f"{done} requests; MiB, open files, threads: {early} after {EARLY:.0%}, {late} at the end")
    return all(
        (
            at_most("growth in MiB", late[0] - early[0], GROWTH_MIB),
            at_most("growth in open files", late[1] - early[1], 0),
            at_most("growth in threads", late[2] - early[2], 0),
        )
    )


def _held(server: Server) -> tuple[float, int, int]:
    process = server.process
    return round(server.resident_mib(), 1), process.num_fds(), process.num_threads()
