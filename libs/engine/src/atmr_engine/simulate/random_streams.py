"""Counter-based random streams: what a draw yields depends on its key alone, not on the order.

So one more booking, or another fleet, changes nothing about the bookings that were there before
(common random numbers). Philox: Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers".
"""

from __future__ import annotations

from enum import IntEnum
from hashlib import blake2b

import numpy as np


class Purpose(IntEnum):
    """What a stream is for; streams of different purposes are independent."""

    CARE_SITE = 1
    CLIENT = 2
    DAY = 3
    VISIT = 4
    FLEET = 5
    LEG = 6
    HOUR = 7
    BOARDING = 8
    ALIGHTING = 9
    SHOWING_UP = 10
    CANCELLATION = 11
    READINESS = 12
    BOOKING = 13
    BREAKDOWN = 14
    INCIDENT = 15


def stream(seed: int, purpose: Purpose, subject: int = 0, index: int = 0) -> np.random.Generator:
    """The random stream of one subject (a day, a client) and index.

    Raises:
        ValueError: for a negative key or one beyond 64 bits.

    """
    if not all(0 <= key < 2**64 for key in (seed, subject, index)):
        raise ValueError(f"keys must be 64-bit and not negative: {seed}, {subject}, {index}")
    counter = np.array([0, 0, subject, index], dtype=np.uint64)
    key = np.array([seed, purpose], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(counter=counter, key=key))


def subject_of(name: str) -> int:
    """A 64-bit subject for a name (a request, a duty), the same in every process."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())
