"""The kinds of Kafka that tests run on, and how each is started and stopped."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from support.docker import docker_answers

ROOT = Path(__file__).parents[2]
EXTERNAL = "TEST_KAFKA_BOOTSTRAP"
START_LIMIT_S = 60.0


class KafkaServer(Protocol):
    """A broker that a test run can start."""

    shared: bool
    """Whether one serves all processes of the run; else each process has its own."""

    def describe(self) -> str: ...

    def start(self, folder: Path) -> str:
        """Returns its bootstrap address once it answers; its data lies in `folder`."""
        ...

    def stop(self, folder: Path) -> None:
        """Also from another process than the one that started it, where it is shared."""
        ...

    async def make_topics(self, bootstrap: str, names: list[str], partitions: int) -> None:
        """New topics; one that is there is an error."""
        ...


class RealKafka:
    """What every real broker can do."""

    shared = True

    async def make_topics(self, bootstrap: str, names: list[str], partitions: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        try:
            answer = await admin.create_topics([NewTopic(name, partitions, 1) for name in names])
            failed = [each for each in answer.topic_errors if each[1]]
            assert not failed, f"topics could not be made: {failed}"
            async with asyncio.timeout(START_LIMIT_S):
                while not _led(await admin.describe_topics(names)):  # noqa: ASYNC110 (it is asked)
                    await asyncio.sleep(0.05)  # a broker answers before it shows what it made
        finally:
            await admin.close()


def chosen_server() -> KafkaServer:
    """By what there is; cheap, and starts nothing."""
    if os.environ.get(EXTERNAL):
        return External()
    if docker_answers():
        return Container()
    return Distribution.found() or MockCluster()


class External(RealKafka):
    """The broker of TEST_KAFKA_BOOTSTRAP; it stays as it is, with the topics of the tests."""

    def describe(self) -> str:
        return f"{EXTERNAL} at {os.environ[EXTERNAL]}"

    def start(self, folder: Path) -> str:
        del folder
        return os.environ[EXTERNAL]

    def stop(self, folder: Path) -> None:
        del folder


class Container(RealKafka):
    """A container by testcontainers."""

    def describe(self) -> str:
        return f"a container (Docker answers); else set {EXTERNAL}"

    def start(self, folder: Path) -> str:
        # Its reaper would end the container with the worker that happened to start it.
        os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
        from testcontainers.kafka import KafkaContainer  # noqa: PLC0415 (slow, and rarely needed)

        container = KafkaContainer("confluentinc/cp-kafka:7.6.0").with_kraft().start()
        (folder / "container").write_text(container.get_wrapped_container().id)
        address: str = container.get_bootstrap_server()
        return address

    def stop(self, folder: Path) -> None:
        identifier = (folder / "container").read_text()
        subprocess.run(["docker", "rm", "--force", identifier], capture_output=True, check=False)


@dataclass(frozen=True)
class Distribution(RealKafka):
    """Kafka's jars and a script `kafka-server` at KAFKA_HOME; needs Java."""

    home: Path

    @classmethod
    def found(cls) -> Distribution | None:
        shared = Path(os.environ.get("ATMR_SHARED") or ROOT.parent / "shared")
        home = Path(os.environ.get("KAFKA_HOME") or shared / "tools" / "kafka")
        java = os.environ.get("JAVA_HOME") or shutil.which("java")
        return cls(home) if java and (home / "kafka-server").exists() else None

    def describe(self) -> str:
        return f"one broker from {self.home}; else set {EXTERNAL}"

    def start(self, folder: Path) -> str:
        return self.run("start", "--port", "0", "--data", str(folder / "data"))

    def stop(self, folder: Path) -> None:
        self.run("stop", "--kill", "--data", str(folder / "data"))

    def run(self, *arguments: str) -> str:
        """One command of the script; returns what it prints."""
        done = subprocess.run(
            [str(self.home / "kafka-server"), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=START_LIMIT_S,
        )
        if done.returncode != 0:
            raise RuntimeError(f"kafka-server {' '.join(arguments)} failed:\n{done.stderr}")
        return done.stdout.strip()


class KafkaDistribution:
    """A broker of one test; killed and started again, it has its data and its port."""

    def __init__(self, distribution: Distribution, folder: Path) -> None:
        self._distribution = distribution
        self._data = str(folder / "data")
        self.bootstrap = ""

    def start(self) -> None:
        """Returns when it answers."""
        self.bootstrap = self._distribution.run("start", "--port", "0", "--data", self._data)

    def kill(self) -> None:
        """SIGKILL; one that is stopped stays stopped."""
        self._distribution.run("stop", "--kill", "--data", self._data)


class MockCluster:
    """librdkafka's imitation of a broker, inside this process: no real log, no real groups."""

    shared = False

    def __init__(self) -> None:
        self._owner: Any = None
        self._address = ""

    def describe(self) -> str:
        return (
            f"librdkafka's MOCK CLUSTER: no {EXTERNAL}, no Docker, no KAFKA_HOME with Java;"
            " tests that kill a broker are skipped"
        )

    def start(self, folder: Path) -> str:
        del folder
        if self._owner is None:
            from confluent_kafka import Producer  # noqa: PLC0415 (a library that few runs load)

            self._owner = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock"})
            brokers = self._owner.list_topics(timeout=10).brokers.values()
            self._address = ",".join(f"{each.host}:{each.port}" for each in brokers)
        return self._address

    def stop(self, folder: Path) -> None:
        del folder
        self._owner = None

    async def make_topics(self, bootstrap: str, names: list[str], partitions: int) -> None:
        del bootstrap, partitions  # the imitation makes what is asked for, with four partitions
        for name in names:
            self._owner.list_topics(name, timeout=5)


def _led(described: list[Any]) -> bool:
    return all(
        each["partitions"] and all(part["leader"] >= 0 for part in each["partitions"])
        for each in described
    )
