"""Files that are whole or absent, also after a crash: written aside, on the disk, then renamed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` in place of what `path` holds; a reader sees the old or the new, never half."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write_through(beside, content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    flush_folder(path.parent)


def write_through(path: Path, content: bytes) -> None:
    """Write a new file, and return when it is on the disk."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def flush_folder(path: Path) -> None:
    """Return when the names in the folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
