"""Why standalone does not start or stops by itself; each message says what to do.

StartError                   exit code 1
├── PortTakenError           exit code 2
├── DatabaseUnreachableError
└── PartEndedError           a part ended while we were serving
"""

from __future__ import annotations

__all__ = ["DatabaseUnreachableError", "PartEndedError", "PortTakenError", "StartError"]


class StartError(Exception):
    """Standalone cannot go on; `exit_code` is what the process ends with."""

    exit_code = 1


class PortTakenError(StartError):
    """Another program listens on a port of ours."""

    exit_code = 2


class DatabaseUnreachableError(StartError):
    """DATABASE_URL is set, and nothing useful answers there."""


class PartEndedError(StartError):
    """A server or the database ended by itself."""
