"""Identifiers of rows and events, which sort by the time of making, and of requests."""

from __future__ import annotations

import os
import random
import time
from uuid import UUID

RANDOM_BYTES = 10
BELOW_74_BITS = (1 << 74) - 1
LOW_62_BITS = (1 << 62) - 1


def new_id() -> UUID:
    """UUID version 7 (RFC 9562): 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    drawn = int.from_bytes(os.urandom(RANDOM_BYTES), "big") & BELOW_74_BITS
    random_a, random_b = drawn >> 62, drawn & LOW_62_BITS
    return UUID(int=milliseconds << 80 | 0x7 << 76 | random_a << 64 | 0b10 << 62 | random_b)


def new_request_id() -> str:
    """128 random bits in hexadecimal: it has to be cheap, and no secret depends on it."""
    return f"{random.getrandbits(128):032x}"
