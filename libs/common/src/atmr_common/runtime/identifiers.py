"""UUID version 7 (RFC 9562): identifiers that sort by the time at which they were made."""

from __future__ import annotations

import os
import time
from uuid import UUID

RANDOM_BYTES = 10
BELOW_74_BITS = (1 << 74) - 1
LOW_62_BITS = (1 << 62) - 1


def new_id() -> UUID:
    """48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    drawn = int.from_bytes(os.urandom(RANDOM_BYTES), "big") & BELOW_74_BITS
    random_a, random_b = drawn >> 62, drawn & LOW_62_BITS
    return UUID(int=milliseconds << 80 | 0x7 << 76 | random_a << 64 | 0b10 << 62 | random_b)
