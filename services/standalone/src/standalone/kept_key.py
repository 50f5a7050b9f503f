"""Keys that standalone makes once and keeps beside its database: base64 of 32 random bytes."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

__all__ = ["kept_key_file"]

KEY_BYTES = 32


def kept_key_file(folder: Path, name: str) -> Path:
    """The key's file in `folder`, written whole or not at all when it is not there yet."""
    path = folder / name
    if not path.exists():
        unfinished = folder / f"{name}.unfinished"
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)))
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    return path
