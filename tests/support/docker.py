"""Whether containers can be started for tests."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache


@cache
def docker_answers() -> bool:
    """A client alone is not enough: the engine must answer."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        done = subprocess.run([docker, "info"], capture_output=True, timeout=5, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
