"""The thread that looks into the repository and loads models, behind the loop's own.

Where both have one processor, the kernel would give each half of it, in turns of milliseconds.
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

NICE = 10
"""A tenth of the loop's weight; Linux has such a priority for each thread."""


def background_thread() -> ThreadPoolExecutor:
    """One thread, begun at its first work."""
    return ThreadPoolExecutor(1, "models", initializer=_stand_back)


def _stand_back() -> None:
    if sys.platform == "linux":
        thread = threading.get_native_id()
        lowest = max(NICE, os.getpriority(os.PRIO_PROCESS, thread))
        with suppress(PermissionError):  # it then loads at the loop's expense, but it loads
            os.setpriority(os.PRIO_PROCESS, thread, lowest)
