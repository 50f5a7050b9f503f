"""The servers side by side: processor time per answer over the bare call, and latencies."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
from benchmarks.serving.goals import at_least, at_most, say
from benchmarks.serving.load import Load, put_load
from benchmarks.serving.messages import binary_request, json_request, scores_of, state
from benchmarks.serving.perceptron import FLAT, perceptron, publish_perceptron
from benchmarks.serving.servers import PEERS, Server, lines, mlserver, ours, peer
from support.progress_bar import ProgressBar

BARE_CALLS = 20_000
AGREES_WITHIN = 1e-4
GRPC = "grpc.aio, raw tensors"
BINARY, JSON = "ours, binary", "ours, JSON"
PYDANTIC = "FastAPI with pydantic, JSON"
ML_INSIDE, ML_USUAL = "MLServer in one process, JSON", "MLServer as it comes, JSON"
LOOPBACK = "bare loopback exchange"


@dataclass
class Way:
    """One server and protocol, with its figures by connections, round by round."""

    name: str
    server: Server
    request: bytes = b""
    cpu_us: dict[int, list[float]] = field(default_factory=dict)
    ratio: dict[int, list[float]] = field(default_factory=dict)
    p50_us: dict[int, list[float]] = field(default_factory=dict)
    p99_us: dict[int, list[float]] = field(default_factory=dict)

    def add(self, connections: int, cpu_us: float, bare_us: float, load: Load) -> None:
        """Take note of a round."""
        p50, p99 = load.percentile_us(0.5), load.percentile_us(0.99)
        for figures, found in (
            (self.cpu_us, cpu_us),
            (self.ratio, cpu_us / bare_us),
            (self.p50_us, p50),
            (self.p99_us, p99),
        ):
            figures.setdefault(connections, []).append(found)


async def compare(options: argparse.Namespace, folder: Path) -> bool:
    """All servers in turn, some rounds; then the table and the goals."""
    model = folder / "model.onnx"
    model.write_bytes(perceptron(FLAT, seed=0))
    publish_perceptron(folder / "models", 1, model.read_bytes())
    with ExitStack() as stack:
        bare = stack.enter_context(
            lines([sys.executable, str(PEERS / "session.py"), str(model), str(FLAT[0])], PEERS)
        )
        ways = _ways(options, folder, model, stack)
        exchange = await _loopback(ways[0], stack)
        bar = ProgressBar(options.rounds * (1 + len(options.connections)), "rounds")
        bare_us: list[float] = []
        for _ in range(options.rounds):
            for way in (exchange, ways[0]):
                await _measured(way, 1, options, 1.0)
            bar.advance()
            for connections in options.connections:
                for way in ways:
                    bare_us.append(await asyncio.to_thread(_bare, bare))
                    await _measured(way, connections, options, bare_us[-1])
                bar.advance()
        say(f"bare call of ONNX Runtime, one row: {median(bare_us):.1f} us")
        resident = ways[0].server.resident_mib()
    _table(ways, options.connections)
    return _goals({way.name: way for way in [*ways, exchange]}, options, resident)


def _ways(options: argparse.Namespace, folder: Path, model: Path, stack: ExitStack) -> list[Way]:
    served = stack.enter_context(ours(folder / "models", folder))
    values = state(FLAT[0])
    ways = [
        Way(BINARY, served, binary_request(values, served.token)),
        Way(JSON, served, json_request(values, served.token)),
    ]
    python = options.peers
    if not python.exists():
        say("The peers are left out: make bench-serving installs them.")
        return ways
    question = json_request(values, None)
    pydantic = stack.enter_context(peer(python, "fastapi_pydantic.py", model))
    grpc = stack.enter_context(peer(python, "grpc_tensors.py", model, FLAT[0]))
    inside = stack.enter_context(mlserver(python, model, folder / "inside", workers=0))
    usual = stack.enter_context(mlserver(python, model, folder / "usual", workers=None))
    return [
        *ways,
        Way(PYDANTIC, pydantic, question),
        Way(GRPC, grpc),
        Way(ML_INSIDE, inside, question),
        Way(ML_USUAL, usual, question),
    ]


async def _loopback(way: Way, stack: ExitStack) -> Way:
    """An exchange of as many bytes as a binary inference has."""
    load = await put_load(way.server.port, way.request, connections=1, seconds=0.1)
    sizes = (len(way.request), len(load.answer))
    server = stack.enter_context(peer(Path(sys.executable), "loopback.py", *sizes))
    return Way(LOOPBACK, server, way.request)


async def _measured(
    way: Way, connections: int, options: argparse.Namespace, bare_us: float
) -> None:
    await _loaded(way, connections, options.seconds / 4, options.peers)  # warm
    before = way.server.used_s()
    load = await _loaded(way, connections, options.seconds, options.peers)
    used_s = way.server.used_s() - before
    if load.refused or not load.done:
        raise SystemExit(f"{way.name}: {load.refused} refused: {load.answer[:400]!r}")
    way.add(connections, 1e6 * used_s / load.done, bare_us, load)


async def _loaded(way: Way, connections: int, seconds: float, python: Path) -> Load:
    if way.name != GRPC:
        load = await put_load(
            way.server.port, way.request, connections=connections, seconds=seconds
        )
        if way.name != LOOPBACK and not load.refused:
            _compare_scores(way, scores_of(load.answer))
        return load
    program = [str(python), str(PEERS / "grpc_load.py")]
    arguments = map(str, (way.server.port, FLAT[0], connections, seconds))
    client = await asyncio.create_subprocess_exec(
        *program, *arguments, stdout=asyncio.subprocess.PIPE, limit=2**28
    )
    told, _ = await client.communicate()
    found = json.loads(told)
    _compare_scores(way, np.array(found["scores"], np.float32))
    return Load(seconds=seconds, latencies_s=found["latencies_s"])


def _compare_scores(way: Way, scores: np.ndarray) -> None:
    """Every server must give the same answer, or it does not do the same work."""
    expected = _EXPECTED.setdefault("scores", scores)
    if not np.allclose(scores, expected, atol=AGREES_WITHIN):
        raise SystemExit(f"{way.name} gives other scores")


_EXPECTED: dict[str, np.ndarray] = {}


def _bare(process: object) -> float:
    process.stdin.write(f"{BARE_CALLS}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def _table(ways: list[Way], connections: list[int]) -> None:
    heads = "".join(
        f"{f'us/{each}':>9}{'ratio':>8}{'p50 ms':>9}{'p99 ms':>9}" for each in connections
    )
    say(f"{'server':32}{heads}")
    for way in ways:
        cells = "".join(
            f"{median(way.cpu_us[each]):9.1f}{median(way.ratio[each]):8.2f}"
            f"{median(way.p50_us[each]) / 1000:9.2f}{median(way.p99_us[each]) / 1000:9.2f}"
            for each in connections
        )
        say(f"{way.name:32}{cells}")


def _goals(ways: dict[str, Way], options: argparse.Namespace, resident_mib: float) -> bool:
    binary, plain = ways[BINARY], ways[JSON]
    many = max(options.connections)
    met = [
        at_most(f"{name}, over the bare call, {each} connections", median(way.ratio[each]), goal)
        for each in options.connections
        for name, way, goal in ((BINARY, binary, 2.0), (JSON, plain, 2.5))
    ]
    for name, way, goal in (
        (ML_INSIDE, plain, 10),
        (ML_USUAL, plain, 20),
        (PYDANTIC, plain, 5),
        (GRPC, binary, 8),
    ):
        if name in ways:
            for each in options.connections:
                times = median(ways[name].cpu_us[each]) / median(way.cpu_us[each])
                met.append(at_least(f"times less than {name}, {each}", times, goal))
    spread = median(binary.p99_us[many]) / median(binary.p50_us[many])
    met.append(at_most(f"p99 over p50 at {many} connections", spread, 1.5))
    alone = median(binary.p50_us[1]) / median(ways[LOOPBACK].p50_us[1])
    met.append(at_most("p50 at one connection over a bare exchange", alone, 2.5))
    met.append(at_most("resident MiB after the load", resident_mib, 130))
    return all(met)
