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
def made_once() -> Iterator[Path]:
    with _folder() as folder:
        with EmbeddedPostgres(folder / "data", durable=False):
            pass
        yield folder / "data"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder of this test's own, which any account may enter."""
    with _folder() as folder:
        yield folder


@pytest.fixture
def data_dir(made_once: Path, open_folder: Path) -> Path:
    """A database folder of this test's own, copied with its owner: faster than a new one."""
    copy = open_folder / "data"
    subprocess.run(["cp", "-a", str(made_once), str(copy)], check=True)
    return copy


@pytest.fixture
def standalone_data(data_dir: Path) -> Path:
    """A data folder of standalone's, whose database is made already."""
    folder = data_dir.parent / "standalone"
    folder.mkdir()
    folder.chmod(0o755)
    data_dir.rename(folder / "postgres")
    return folder
