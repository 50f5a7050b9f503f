"""The short-lived folder of a server's Unix socket and of its access rules.

Short, because a socket's path may have 107 bytes; of a random name and closed to others; with
rules that let in the operating-system user who started us, and nobody else: there is no password.
"""

from __future__ import annotations

import os
import pwd
import tempfile
from pathlib import Path

from standalone.embedded_postgres.account import Account, first_closed_folder
from standalone.embedded_postgres.errors import EmbeddedPostgresError
from standalone.embedded_postgres.orphans import SOCKET_FOLDER_PREFIX
from standalone.embedded_postgres.readiness import socket_path

__all__ = ["make_socket_folder"]

LONGEST_SOCKET_PATH = 103  # bytes: 107 on Linux, 103 on macOS


def make_socket_folder(account: Account) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=SOCKET_FOLDER_PREFIX, dir=_place(account)))
    rules = {"pg_hba.conf": "local all all peer map=starter\n", "pg_ident.conf": _identities()}
    for name, text in rules.items():
        (folder / name).write_text(text)
    if not account.is_ours:
        for path in (*folder.iterdir(), folder):
            os.chown(path, account.uid, account.gid)
    return folder


def _identities() -> str:
    """We may connect in any role, because all of this server's roles belong to us."""
    return f'starter "{pwd.getpwuid(os.geteuid()).pw_name}" all\n'


def _place(account: Account) -> Path:
    candidates = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108  mkdtemp makes a private folder in it
    for candidate in candidates:
        longest = socket_path(candidate / f"{SOCKET_FOLDER_PREFIX}12345678")
        if len(os.fsencode(longest)) > LONGEST_SOCKET_PATH or not os.access(candidate, os.W_OK):
            continue
        if first_closed_folder(candidate, account) is None:
            return candidate
    raise EmbeddedPostgresError(
        f"No folder for PostgreSQL's socket: {', '.join(map(str, candidates))} are too long, "
        f"not writable or closed to the account {account.name}; set TMPDIR to a short, open folder."
    )
