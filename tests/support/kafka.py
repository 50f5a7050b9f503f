"""pytest plugin: the fixtures `kafka_bootstrap` (shared by a run) and `own_kafka` (may be killed).

The shared broker is TEST_KAFKA_BOOTSTRAP, else a container where Docker answers, else the
distribution at KAFKA_HOME, else librdkafka's mock cluster. The report header says which; it is
started by the first test that asks, one for all workers of pytest-xdist.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support.kafka_servers import (
    Distribution,
    KafkaDistribution,
    KafkaServer,
    MockCluster,
    chosen_server,
)

DEAD_LETTER = ".dead-letter"
FIXTURES = {"kafka_bootstrap", "own_kafka"}
MakeTopics = Callable[..., Awaitable[list[str]]]


class KafkaForTests:
    """The broker of one test run; its folder tells every worker whether it runs, and where."""

    def __init__(self, folder: Path, server: KafkaServer) -> None:
        self._folder = folder
        self.server = server

    def bootstrap(self) -> str:
        """Its address; whoever asks first starts it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.server.shared:
                return str(self.server.start(self._folder))
            address = self._folder / "bootstrap"
            if not address.exists():
                address.write_text(self.server.start(self._folder))
            return address.read_text()

    def close(self) -> None:
        """At the end of the run, by the process that began it."""
        if (self._folder / "bootstrap").exists():
            self.server.stop(self._folder)
        shutil.rmtree(self._folder, ignore_errors=True)


BROKER = pytest.StashKey[KafkaForTests]()


def pytest_configure(config: pytest.Config) -> None:
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    folder = worker["kafka"] if worker else Path(tempfile.gettempdir()) / f"atmr-kafka-{uuid4()}"
    config.stash[BROKER] = KafkaForTests(Path(folder), chosen_server())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Each worker of pytest-xdist is told the folder of the whole run."""
    node.workerinput["kafka"] = str(node.config.stash[BROKER]._folder)


def pytest_report_header(config: pytest.Config) -> str:
    return f"Kafka for tests: {config.stash[BROKER].server.describe()}"


def pytest_unconfigure(config: pytest.Config) -> None:
    broker = config.stash.get(BROKER, None)
    if broker is None:
        return
    if not broker.server.shared:
        broker.server.stop(broker._folder)
    if not hasattr(config, "workerinput"):
        broker.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kafka)


@pytest.fixture(scope="session")
def kafka_bootstrap(request: pytest.FixtureRequest) -> str:
    """host:port of the run's broker; topics are not made automatically (see `kafka_topics`)."""
    return request.config.stash[BROKER].bootstrap()


@pytest.fixture
def kafka_topics(request: pytest.FixtureRequest, kafka_bootstrap: str) -> MakeTopics:
    """`await kafka_topics("a", "b", partitions=3)`: topics of this test's own, with dead letters.

    Returns their names, each ending with the one asked for.
    """
    server = request.config.stash[BROKER].server
    prefix = uuid4().hex[:10]

    async def make(*names: str, partitions: int = 3) -> list[str]:
        topics = [f"t{prefix}.{name}" for name in names]
        with_letters = [name for topic in topics for name in (topic, topic + DEAD_LETTER)]
        await server.make_topics(kafka_bootstrap, with_letters, partitions)
        return topics

    return make


@pytest.fixture
def real_kafka(request: pytest.FixtureRequest, kafka_bootstrap: str) -> str:
    """The same broker, where it is a real one: the mock cluster knows no configuration."""
    if isinstance(request.config.stash[BROKER].server, MockCluster):
        pytest.skip("The mock cluster has no topics to administrate: set KAFKA_HOME.")
    return kafka_bootstrap


@pytest.fixture
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaDistribution]:
    """A started broker of this test's own: `bootstrap`, `kill()`, `start()`; it keeps its port."""
    distribution = Distribution.found()
    if distribution is None:
        pytest.skip("A broker to kill needs Java and Kafka's distribution: set KAFKA_HOME.")
    broker = KafkaDistribution(distribution, tmp_path_factory.mktemp("own-kafka"))
    broker.start()
    yield broker
    broker.kill()
