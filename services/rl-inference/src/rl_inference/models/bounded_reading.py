"""Reads files that somebody else may write: plain ones, inside a folder, and never too much.

A pipe in place of a file would hold its reader for ever, and a link could lead to any file of the
machine, whose content then stood in an error.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_bounded(path: Path, most_bytes: int, *, within: Path) -> bytes:
    """A plain file's content, cut off one byte after `most_bytes`.

    Raises:
        OSError: when it is not there, is no plain file, or lies outside `within`.

    """
    real = os.path.realpath(path, strict=True)
    if not Path(real).is_relative_to(os.path.realpath(within)):
        raise OSError(f"{path} leads out of {within}")
    with open(real, "rb", opener=_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(f"{path} is no plain file")
        return file.read(most_bytes + 1)


def _without_waiting(path: str, flags: int) -> int:
    """A descriptor of the file itself: no link that came since, no wait for a pipe's writer."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
