"""New versions under load: does anybody notice?"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from shutil import rmtree
from statistics import median

import httpx
from benchmarks.serving.goals import at_least, at_most, say
from benchmarks.serving.messages import binary_request, state
from benchmarks.serving.paced import Paced, put_paced_load
from benchmarks.serving.perceptron import FLAT, NAME, perceptron, publish_perceptron
from benchmarks.serving.servers import Server, ours
from support.progress_bar import ProgressBar

from rl_inference.models.repository import Repository

PER_SECOND = 5_500.0
CONNECTIONS = 32
STEADY_S = 10.0
MARGIN = 1.4
"""The load goes on a little longer than the swaps."""


async def reload(options: argparse.Namespace, folder: Path) -> bool:
    """Version after version becomes champion, each checked before, under a steady load."""
    models = folder / "models"
    publish_perceptron(models, 1, perceptron(FLAT, seed=1))
    Repository(models).write_alias(NAME, "champion", 1)
    with ours(models, folder, ATMR_MODEL_POLL_S="3600") as server:
        request = binary_request(state(FLAT[0]), server.token)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
            swaps = Swaps(models, client, server)
            alone = [await swaps.next() for _ in range(20)]
            steady = await _load(server, request, STEADY_S)
            pause_s = 2 * median(alone)
            seconds = MARGIN * options.swaps * (median(alone) * 2 + pause_s)
            loading = asyncio.create_task(_load(server, request, seconds))
            bar = ProgressBar(options.swaps, "swaps")
            began, done = time.perf_counter(), 0
            while done < options.swaps and not loading.done():
                await swaps.next()
                await asyncio.sleep(pause_s)
                done += 1
                bar.advance()
            took_s = time.perf_counter() - began
            swapping = await loading
            live = await client.get(f"/v2/models/{NAME}", headers=swaps.bearer)
    say(f"{done} swaps in {took_s:.0f} s; the last answers come from {live.json()['versions']}")
    _say("steady", steady)
    _say("with swaps", swapping)
    p99 = swapping.percentile_ms(0.99, 200) / steady.percentile_ms(0.99, 200)
    return all(
        (
            at_least("swaps under load", done, options.swaps),
            at_least("answers per second", swapping.count(200) / swapping.seconds, 5_000),
            at_most("failed requests", swapping.failed + swapping.unsent, 0),
            at_most("p99 over the steady one", p99, 2.0),
            at_most("publish, load, verify and warm, ms, median", 1e3 * median(alone), 50),
        )
    )


class Swaps:
    """Publishes the next version, makes it champion, and has it loaded; the one before goes."""

    def __init__(self, models: Path, client: httpx.AsyncClient, server: Server) -> None:
        self._models = models
        self._client = client
        self._contents = [perceptron(FLAT, seed) for seed in (2, 3)]
        self._version = 1
        self.bearer = {"Authorization": f"Bearer {server.token}"}

    async def next(self) -> float:
        """The seconds until the new version answers."""
        self._version += 1
        await asyncio.to_thread(self._publish)
        started = time.perf_counter()
        path = f"/v2/repository/models/{NAME}/load"
        answer = await self._client.post(path, headers=self.bearer)
        if answer.status_code != httpx.codes.OK:
            raise SystemExit(f"version {self._version} was not loaded: {answer.text}")
        return time.perf_counter() - started

    def _publish(self) -> None:
        content = self._contents[self._version % len(self._contents)]
        publish_perceptron(self._models, self._version, content)
        Repository(self._models).write_alias(NAME, "champion", self._version)
        rmtree(self._models / NAME / str(self._version - 1))


async def _load(server: Server, request: bytes, seconds: float) -> Paced:
    return await put_paced_load(
        server.port, request, per_second=PER_SECOND, connections=CONNECTIONS, seconds=seconds
    )


def _say(words: str, found: Paced) -> None:
    p50, p99 = (found.percentile_ms(share, 200) for share in (0.5, 0.99))
    per_second = found.count(200) / found.seconds
    say(f"{words}: {per_second:.0f} answers/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms")
