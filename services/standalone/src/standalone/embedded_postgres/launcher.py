"""Becomes one PostgreSQL program, which dies with the process that asked for it.

A program of its own, because code between fork and exec is unsafe in a process with threads, and
because the wish to die with the parent is forgotten when the user id changes: it comes after that.
Usage: launcher.py PARENT_PID SIGNAL UID GID PROGRAM ARGUMENT...
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def become(arguments: list[str]) -> None:
    parent, signal_number, uid, gid = (int(word) for word in arguments[:4])
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            sys.exit(1)
    os.umask(0o077)
    os.execv(arguments[4], arguments[4:])  # noqa: S606  the program is ours, no shell is wanted


if __name__ == "__main__":
    become(sys.argv[1:])
