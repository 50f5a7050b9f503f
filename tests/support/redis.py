"""pytest plugin: `redis_settings` on a real Redis, and `own_redis`, which a test may stop.

The shared server is TEST_REDIS_URL, else the one at 127.0.0.1:6379, else a redis-server of our own,
else a container; the report header names it. Every test deletes the keys of its own prefix.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr
from redis import Redis
from redis.exceptions import RedisError
from support.docker import docker_answers

from atmr_common.cache.settings import RedisSettings

EXTERNAL = "TEST_REDIS_URL"
LOCAL = "redis://127.0.0.1:6379"
MISSING = (
    f"no Redis: set {EXTERNAL}, start one at 127.0.0.1:6379, or install redis-server (apt install"
    " redis-server)"
)
PATIENCE_S = 10.0


class OwnRedis:
    """A redis-server of the test's own on a free port, which keeps nothing."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = f"--bind 127.0.0.1 --port {self.port} --appendonly no --dir {self._folder}"
        command = ["redis-server", *options.split(), "--save", "", "--logfile", "redis.log"]
        self._process = subprocess.Popen(command)
        deadline = time.monotonic() + PATIENCE_S
        while not _answers(self.url):
            assert time.monotonic() < deadline, "redis-server did not start"
            assert self._process.poll() is None, (self._folder / "redis.log").read_text()

    def kill(self) -> None:
        """As a machine dies."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """It holds its connections, and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def _answers(url: str) -> bool:
    try:
        with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except (RedisError, OSError):
        return False


def _binary() -> bool:
    return shutil.which("redis-server") is not None


def pytest_report_header() -> str:
    if os.environ.get(EXTERNAL):
        return f"Redis for tests: {EXTERNAL}"
    if _answers(LOCAL):
        return f"Redis for tests: the one at {LOCAL}, with prefixes of our own"
    if _binary():
        return "Redis for tests: a redis-server of our own"
    return f"Redis for tests: {'a container' if docker_answers() else MISSING}"


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The server of this run: a database of it that is empty, or else the highest."""
    external = os.environ.get(EXTERNAL)
    if external:
        yield external
    elif _answers(LOCAL):
        yield f"{LOCAL}/{_emptiest(LOCAL)}"
    elif _binary():
        folder = Path(tempfile.mkdtemp(prefix="atmr-redis-"))
        server = OwnRedis(folder)
        server.start()
        yield server.url
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
    elif docker_answers():
        with _container() as container:
            yield container
    else:
        pytest.skip(MISSING)


@contextmanager
def _container() -> Iterator[str]:
    from testcontainers.redis import RedisContainer  # noqa: PLC0415 (slow, and rarely needed)

    with RedisContainer("redis:7.4") as container:
        yield f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(6379)}/0"


def _emptiest(url: str) -> int:
    for number in range(15, 0, -1):
        with Redis.from_url(f"{url}/{number}") as client:
            if client.dbsize() == 0:
                return number
    return 15


@pytest.fixture
def redis_settings(redis_url: str) -> Iterator[RedisSettings]:
    """The server with a prefix of this test's own."""
    prefix = f"atmr-test-{uuid4().hex[:12]}:"
    yield RedisSettings(url=SecretStr(redis_url), prefix=prefix)
    with Redis.from_url(redis_url) as client:
        for key in client.scan_iter(match=f"{prefix}*", count=1000):
            client.unlink(key)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    """A started server that the test may kill, pause and start again."""
    if not _binary():
        pytest.skip(f"redis-server is not installed, so nothing can be killed; {MISSING}")
    server = OwnRedis(tmp_path)
    server.start()
    yield server
    server.kill()
