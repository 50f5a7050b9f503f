"""The folder that holds one embedded database: made, checked, and held by one run at a time."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import IO

from standalone.embedded_postgres.account import Account, first_closed_folder
from standalone.embedded_postgres.errors import EmbeddedPostgresError

__all__ = ["DataFolder", "make_folder"]

LARGEST_LOG = 4 * 1024 * 1024


class DataFolder:
    """`cluster` is PostgreSQL's data directory, `log` what it says, `lock` who uses them."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self.cluster = self.path / "cluster"
        self.log = self.path / "postgres.log"
        self._lock: IO[str] | None = None

    def acquire(self) -> None:
        """Make the folder where it is missing and take its lock; both or a clear error."""
        make_folder(self.path)
        try:
            lock = (self.path / "lock").open("a+")
        except OSError as error:
            raise _not_writable(self.path, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise EmbeddedPostgresError(
                f"The data folder {self.path} is in use by another run (process {owner}): "
                f"stop that one, or set ATMR_DATA to another folder."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def require_reachable_by(self, account: Account) -> None:
        closed = first_closed_folder(self.path, account)
        if closed is not None:
            raise EmbeddedPostgresError(
                f"PostgreSQL does not run as root but as the account {account.name}, and that one "
                f"cannot enter {closed}: set ATMR_DATA to a folder that it can reach "
                f"(for instance /var/lib/atmr), or start as an ordinary user."
            )

    def open_log(self) -> IO[bytes]:
        """For appending; begun anew when it has grown large."""
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".old.log"))
        self.log.touch(mode=0o600)  # refused statements in it may carry personal data
        return self.log.open("ab")

    def log_since(self, beginning: int) -> str:
        with self.log.open("rb") as log:
            log.seek(beginning)
            return log.read().decode(errors="replace")


def make_folder(path: Path) -> None:
    """Make `path` where it is missing; EmbeddedPostgresError when it cannot be written."""
    try:
        missing = [step for step in (path, *path.parents) if not step.exists()]
        for folder in reversed(missing):
            folder.mkdir()
            if os.geteuid() == 0:
                folder.chmod(0o711)  # our own new folder: its database runs under another account
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise _not_writable(path, error) from error


def _not_writable(path: Path, error: OSError) -> EmbeddedPostgresError:
    return EmbeddedPostgresError(
        f"The data folder {path} cannot be written ({error.strerror}): "
        f"set ATMR_DATA to a folder of your own."
    )
