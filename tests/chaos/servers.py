"""The servers of the mesh, which may be killed and started again: PostgreSQL and Kafka."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from support.kafka_servers import Distribution

from standalone.embedded_postgres import EmbeddedPostgres, launcher

PATIENCE_S = 60.0
JVM = ("-Xmx384m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
SHORT_SESSIONS = "group.min.session.timeout.ms=500\n"
"""For the one control that needs a quick rejoin; the product asks for longer ones."""
CLUSTER = "5L6g3nShT-eMCtK--X86sw"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def dying_with_us(*command: str) -> list[str]:
    """`command` so that it ends when this process ends, however that happens."""
    own = [os.getpid(), int(signal.SIGKILL), os.geteuid(), os.getegid()]
    return [sys.executable, "-I", "-S", str(launcher.__file__), *map(str, own), *command]


class DurablePostgres:
    """The embedded server with fsync on; after a kill it recovers from its log."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: EmbeddedPostgres | None = None

    async def start(self) -> None:
        server = EmbeddedPostgres(self._folder, durable=True)
        await asyncio.to_thread(server.start)
        self._server = server

    async def kill(self) -> None:
        """SIGKILL to the main process; its children notice, and end. Also how a run ends it."""
        server, self._server = self._server, None
        if server is not None and server.pid is not None:
            os.kill(server.pid, signal.SIGKILL)
            await asyncio.to_thread(server.stop)

    def address(self) -> Path | None:
        """The socket, for a proxy; None while there is no server."""
        if self._server is None:
            return None
        folder = self._server.plain_url.rpartition("host=")[2]
        return Path(folder) / ".s.PGSQL.5432"


class KillableKafka:
    """One broker that tells its clients to come by a proxy; it dies with this process."""

    def __init__(self, distribution: Distribution, folder: Path) -> None:
        self._home = distribution.home
        self._folder = folder
        self._ports = {"PORT": free_port(), "CONTROLLER_PORT": free_port()}
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, *, advertised_port: int) -> None:
        """Return when the broker answers; its data and its port are those of before."""
        properties = self._folder / "server.properties"
        if not properties.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            properties.write_text(self._properties(advertised_port))
            format_storage = ("kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER)
            done = await asyncio.create_subprocess_exec(
                *self._java(*format_storage, "--config", str(properties)),
                stdout=subprocess.DEVNULL,
            )
            if await done.wait():
                raise RuntimeError("Kafka's storage could not be formatted")
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 (it only forks)
                self._java("kafka.Kafka", str(properties)), stdout=log, stderr=log
            )
        await _answers(self._process, self.address(), self._folder / "server.log")

    async def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self._ports["PORT"])

    def _properties(self, advertised_port: int) -> str:
        text = (self._home / "server.properties.in").read_text()
        for name, value in self._ports.items():
            text = text.replace(f"@{name}@", str(value))
        text = text.replace("@DATA@", str(self._folder / "log"))
        advertised = f"advertised.listeners=PLAINTEXT://127.0.0.1:{advertised_port}"
        return re.sub("(?m)^advertised.listeners=.*$", advertised, text) + SHORT_SESSIONS

    def _java(self, *arguments: str) -> list[str]:
        home = os.environ.get("JAVA_HOME")
        java = f"{home}/bin/java" if home else "/usr/bin/java"
        log4j = f"-Dlog4j2.configurationFile={self._home}/log4j2.properties"
        return dying_with_us(java, *JVM, log4j, "-cp", f"{self._home}/lib/*", *arguments)


class KillableRedis:
    """A Redis that keeps nothing: what services have there, they must be able to lose."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def is_here() -> bool:
        return shutil.which("redis-server") is not None

    async def start(self) -> None:
        program = shutil.which("redis-server") or ""
        keeps_nothing = ("--save", "", "--appendonly", "no", "--dir", str(self._folder))
        listens = ("--bind", "127.0.0.1", "--port", str(self._port))
        log = self._folder / "redis.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: ASYNC220 (it only forks)
                dying_with_us(program, *listens, *keeps_nothing), stdout=output, stderr=output
            )
        await _answers(self._process, self.address(), log)

    async def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self._port)


async def _answers(process: subprocess.Popen[bytes], address: tuple[str, int], log: Path) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            _, writer = await asyncio.open_connection(*address)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return
    raise RuntimeError(f"a server did not start; see {log}")


async def until_kafka_answers(bootstrap: str) -> None:
    """Through the proxy, as clients see it."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
            try:
                await admin.start()
                await admin.list_topics()
            except (KafkaError, OSError):
                await asyncio.sleep(0.1)
            else:
                return
            finally:
                await admin.close()
