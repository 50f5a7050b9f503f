"""Under which account PostgreSQL runs, and whether that account can reach a folder.

PostgreSQL refuses to run as root. As root we therefore run it as an unprivileged account, and
never open somebody's folder to make that possible: an unreachable one is an error with a remedy.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from standalone.embedded_postgres.errors import EmbeddedPostgresError

__all__ = ["Account", "account_for", "first_closed_folder"]

UNPRIVILEGED = ("nobody", "daemon")


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()


def account_for(cluster: Path) -> Account:
    """The account that owns `cluster`; for a new one ourselves, or as root an unprivileged one."""
    if os.geteuid() != 0:
        return _account_of_uid(os.geteuid())
    if cluster.is_dir() and (owner := cluster.stat().st_uid) != 0:
        return _account_of_uid(owner)
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedPostgresError(
        f"PostgreSQL does not run as root, and this system has none of the accounts "
        f"{', '.join(UNPRIVILEGED)}: start as an ordinary user, or set DATABASE_URL."
    )


def _account_of_uid(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedPostgresError(
            f"The user id {uid} has no name in the system's user list, which PostgreSQL needs: "
            f"start as a user with an entry in /etc/passwd, or set DATABASE_URL."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def first_closed_folder(folder: Path, account: Account) -> Path | None:
    """The topmost folder on the way to `folder` (itself included) that `account` cannot enter.

    Judged by owner, group and permission bits; as a process of the account itself, by the system.
    """
    folder = folder.resolve()
    for step in [*reversed(folder.parents), folder]:
        if not _may_enter(step, account):
            return step
    return None


def _may_enter(folder: Path, account: Account) -> bool:
    if account.is_ours:
        return os.access(folder, os.X_OK)
    status = folder.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
