"""The code of the release before, taken from the history, and a process that runs it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMIT = "bafb16ea967cf5d404e9251eac88bdf52929601e"
"""The last commit of release 0.1.0; the next release replaces it by its predecessor's."""
SOURCES = ("libs/common/src", "libs/engine/src", "services/dispatch-api/src")
ENGINE = "libs/engine/src"
SERVE = """
import dispatch_api, pathlib, sys
found = pathlib.Path(dispatch_api.__file__)
assert found.is_relative_to(sys.argv[1]), f"this is not the release before: {found}"
from dispatch_api.app import serve
serve()
"""


def previous_sources() -> Path:
    """Where the sources lie, taken out of the history once; skips loudly without a history."""
    folder = ROOT / ".make" / "releases" / COMMIT
    if folder.exists():
        return folder
    archive = _git("archive", COMMIT, "--", *SOURCES)
    if archive.returncode != 0:
        pytest.skip(
            f"THE RELEASE BEFORE IS NOT TESTED: commit {COMMIT[:10]} is not in this clone"
            " (git fetch --unshallow brings it)"
        )
    unfinished = folder.with_name(f"{COMMIT}.{os.getpid()}")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(unfinished, filter="data")
    unfinished.replace(folder)
    return folder


@contextmanager
def previous_release(environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """dispatch-api of the release before as a process, until the block ends."""
    folder = previous_sources()
    # An engine that has not changed since is the installed one, whose search is compiled already.
    unchanged = _git("diff", "--quiet", COMMIT, "--", ENGINE).returncode == 0
    paths = [str(folder / each) for each in SOURCES if not (unchanged and each == ENGINE)]
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(folder)],
            env={**environment, "PYTHONPATH": os.pathsep.join(paths)},
            stderr=written,
            stdout=written,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=60)
    assert process.returncode == 0, log.read_text()


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, check=False, timeout=60
    )
