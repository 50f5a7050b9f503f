"""Counter-based random streams: what a draw yields depends on its key alone, not on the order.

So one more booking, or another fleet, changes nothing about the bookings that were there before
(common random numbers). Philox: Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers".
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is for; streams of different purposes are independent."""

    CARE_SITE = 1
    CLIENT = 2
    DAY = 3
    VISIT = 4
    FLEET = 5


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
