"""Ends the process without waiting for threads whose work nobody wants any more.

Python would wait for a search or a compilation that runs in a thread, for minutes at worst. When
this is called, everything that must end in order has ended: servers, connections, PostgreSQL.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import NoReturn

__all__ = ["leave", "leave_at_once"]


def leave(code: int) -> NoReturn:
    """Exit with `code`, at once if a thread still works."""
    main = threading.main_thread()
    if any(not thread.daemon for thread in threading.enumerate() if thread is not main):
        leave_at_once(code)
    sys.exit(code)


def leave_at_once(code: int) -> NoReturn:
    """Exit with `code`, whatever still works."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
