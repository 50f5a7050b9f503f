"""Starts the servers of the benchmark, each a process on one core, and reads what they use."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from support.tokens import TokenSigner

from atmr_common.web.identity import Role

PEERS = Path(__file__).with_name("peers")
PATIENCE_S = 60.0
ISSUER = "https://issuer.invalid"
SERVERS_CORE, *_, LOADS_CORE = [*sorted(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))]
"""As they are before anything is pinned."""


@dataclass(frozen=True)
class Server:
    """A running server: its port, and the token that it wants."""

    port: int
    process: psutil.Process
    token: str | None = None

    def used_s(self) -> float:
        """Processor time of the process and those that it started."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(sum(each.cpu_times()[:2]) for each in family)

    def resident_mib(self) -> float:
        """Memory that the process holds."""
        return float(self.process.memory_info().rss) / 2**20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def ours(repository: Path, folder: Path, **settings: str) -> Iterator[Server]:
    """`atmr serve rl-inference` on the models in `repository`; nothing is left out."""
    signer = TokenSigner(issuer=ISSUER)
    keys = folder / "jwks.json"
    keys.write_text(json.dumps(signer.jwks()))
    port = free_port()
    environment = {
        "ATMR_AUTH_ISSUER": ISSUER,
        "ATMR_AUTH_JWKS_FILE": str(keys),
        "ATMR_MODEL_REPOSITORY": str(repository),
        "ATMR_PORT": str(port),
        "ATMR_LOG_LEVEL": "WARNING",
    }
    command = [str(Path(sys.executable).with_name("atmr")), "serve", "rl-inference"]
    with _process(command, folder, environment | settings) as process:
        _wait_for(port, process)
        token = signer.issue(role=Role.SERVICE)
        yield Server(port, psutil.Process(process.pid), token)


@contextmanager
def peer(python: Path, program: str, *arguments: object) -> Iterator[Server]:
    """A program of `peers`, which prints its port."""
    command = [str(python), str(PEERS / program), *map(str, arguments)]
    with _process(command, PEERS, {}) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        _wait_for(port, process)
        yield Server(port, psutil.Process(process.pid))


@contextmanager
def mlserver(python: Path, model: Path, folder: Path, *, workers: int | None) -> Iterator[Server]:
    """MLServer; `workers` None: as many processes for models as it starts by itself."""
    ports = {name: free_port() for name in ("http_port", "grpc_port", "metrics_port")}
    settings: dict[str, object] = {"host": "127.0.0.1", "debug": False, **ports}
    if workers is not None:
        settings["parallel_workers"] = workers
    folder.mkdir()
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(
        json.dumps(
            {
                "name": "perceptron",
                "implementation": "mlserver_perceptron.Perceptron",
                "parameters": {"uri": str(model)},
            }
        )
    )
    command = [str(python.with_name("mlserver")), "start", str(folder)]
    with _process(command, folder, {"PYTHONPATH": str(PEERS)}) as process:
        _wait_for(ports["http_port"], process, "/v2/models/perceptron/ready")
        yield Server(ports["http_port"], psutil.Process(process.pid))


@contextmanager
def lines(command: list[str], cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that answers each line with a line."""
    with _process(command, cwd, {}) as process:
        yield process


@contextmanager
def _process(
    command: list[str], cwd: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """A process on the first core; the load comes from another."""
    process = subprocess.Popen(
        ["taskset", "-c", str(SERVERS_CORE), *command],
        cwd=cwd,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        for each in psutil.Process(process.pid).children(recursive=True):
            each.kill()
        process.kill()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[str], path: str = "") -> None:
    """Until the port answers; `path` must answer with 200 where it is given."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                if not path:
                    return
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                if b" 200 " in connection.recv(64):
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit(f"{process.args!r} does not serve")
