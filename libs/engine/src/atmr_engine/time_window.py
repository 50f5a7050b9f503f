"""A closed interval of time, which requests, breaks, duties and reserves all have."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A closed interval in seconds within which service begins."""

    open_s: float = 0.0
    close_s: float = math.inf


ANY_TIME = TimeWindow()
"""From second 0 on, for ever."""
