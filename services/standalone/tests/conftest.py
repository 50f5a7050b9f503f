from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from standalone.embedded_postgres import EmbeddedPostgres


@contextmanager
def _folder() -> Iterator[Path]:
    """Not pytest's own: that is closed to the account that root's PostgreSQL runs under."""
    with tempfile.TemporaryDirectory(prefix="atmr-tests-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def standalone_data() -> Iterator[Path]:
    """A data folder of standalone's with a made database, for tests that leave it usable."""
    with _folder() as folder:
        with EmbeddedPostgres(folder / "postgres", durable=False):
            pass
        yield folder


@pytest.fixture
def made_data(standalone_data: Path) -> Path:
    """The database's part of it."""
    return standalone_data / "postgres"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder of this test's own, which any account may enter."""
    with _folder() as folder:
        yield folder


@pytest.fixture
def own_data(made_data: Path, open_folder: Path) -> Path:
    """A copy, with its owner, for a test that damages it."""
    copy = open_folder / "data"
    subprocess.run(["cp", "-a", str(made_data), str(copy)], check=True)
    return copy
