"""New versions under load: does anybody notice?"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from statistics import median

import httpx
from benchmarks.serving.goals import at_least, at_most, say
from benchmarks.serving.messages import binary_request, state
from benchmarks.serving.paced import Paced, put_paced_load
from benchmarks.serving.perceptron import FLAT, NAME, perceptron, publish_perceptron
from benchmarks.serving.servers import ours

from rl_inference.models.repository import Repository

PER_SECOND = 5_500.0
CONNECTIONS = 32
STEADY_S = 10.0
PAUSE_S = 0.02


async def reload(options: argparse.Namespace, folder: Path) -> bool:
    """Version after version becomes champion, each checked before, under a steady load."""
    models, loop = folder / "models", asyncio.get_running_loop()
    publish_perceptron(models, 1, perceptron(FLAT, seed=1))
    Repository(models).write_alias(NAME, "champion", 1)
    with ours(models, folder, ATMR_MODEL_POLL_S="3600") as server, ProcessPoolExecutor(1) as other:
        request = binary_request(state(FLAT[0]), server.token)
        swaps = Swaps(models, f"http://127.0.0.1:{server.port}", server.token or "")
        alone = await loop.run_in_executor(other, swaps.run, 2, 20)
        steady, loaded = await _load(server.port, request), Paced()
        swapping = loop.run_in_executor(other, swaps.run, 22, options.swaps)
        while not swapping.done():
            loaded.add(await _load(server.port, request))
        took = await swapping
    say(f"{len(took)} swaps; load, verify and warm: {1e3 * median(took):.1f} ms under load")
    _say("steady", steady)
    _say("with swaps", loaded)
    p99 = loaded.percentile_ms(0.99, 200) / steady.percentile_ms(0.99, 200)
    return all(
        (
            at_least("swaps under load", len(took), options.swaps),
            at_least("answers per second", loaded.count(200) / loaded.seconds, 5_000),
            at_most("failed requests", loaded.failed + loaded.unsent, 0),
            at_most("p99 over the steady one", p99, 2.0),
            at_most("load, verify and warm, ms, median", 1e3 * median(alone), 50),
        )
    )


@dataclass(frozen=True)
class Swaps:
    """Publishes versions, makes each champion and has it loaded; the one before goes."""

    models: Path
    url: str
    token: str

    def run(self, first: int, number: int) -> list[float]:
        """The seconds that each load took; in a process of its own, which yields to the load's."""
        os.nice(19)
        contents = [perceptron(FLAT, seed) for seed in (2, 3)]
        bearer = {"Authorization": f"Bearer {self.token}"}
        took = []
        with httpx.Client(base_url=self.url, headers=bearer) as client:
            for version in range(first, first + number):
                self._publish(version, contents[version % len(contents)])
                started = time.perf_counter()
                answer = client.post(f"/v2/repository/models/{NAME}/load")
                took.append(time.perf_counter() - started)
                if answer.status_code != httpx.codes.OK:
                    raise SystemExit(f"version {version} was not loaded: {answer.text}")
                time.sleep(PAUSE_S)
        return took

    def _publish(self, version: int, content: bytes) -> None:
        publish_perceptron(self.models, version, content)
        Repository(self.models).write_alias(NAME, "champion", version)
        rmtree(self.models / NAME / str(version - 1))


async def _load(port: int, request: bytes) -> Paced:
    return await put_paced_load(
        port, request, per_second=PER_SECOND, connections=CONNECTIONS, seconds=STEADY_S
    )


def _say(words: str, found: Paced) -> None:
    p50, p99 = (found.percentile_ms(share, 200) for share in (0.5, 0.99))
    per_second = found.count(200) / found.seconds
    say(f"{words}: {per_second:.0f} answers/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms")
