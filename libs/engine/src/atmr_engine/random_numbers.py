"""Random numbers whose state is passed around: xorshift64* after Vigna (2016), section 3.

Integer arithmetic alone, so that a seed gives the same numbers on every machine. Compiled by
`atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

MASK = (1 << 64) - 1
MULTIPLIER = np.uint64(0x2545F4914F6CDD1D)
TWELVE, TWENTY_FIVE, TWENTY_SEVEN, ELEVEN = (np.uint64(n) for n in (12, 25, 27, 11))
GAMMA = 0x9E3779B97F4A7C15
"""Seeds this far apart give the numbers of one SplitMix64 sequence, one after the other."""
UNIT = 1.0 / (1 << 53)


def random_state(seed: int) -> NDArray[np.uint64]:
    """The state (1,) for a seed: any integer, scrambled by SplitMix64 so that 0 and 1 differ."""
    z = (seed + GAMMA) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return np.array([(z ^ (z >> 31)) or 1], dtype=np.uint64)


@compiled
def uniform(random: NDArray[np.uint64]) -> float:
    """A number in [0, 1); advances the state."""
    x = random[0]
    x ^= x >> TWELVE
    x ^= x << TWENTY_FIVE
    x ^= x >> TWENTY_SEVEN
    random[0] = x
    return float((x * MULTIPLIER) >> ELEVEN) * UNIT


@compiled
def below(random: NDArray[np.uint64], count: int) -> int:
    """An integer in [0, count); advances the state."""
    return min(int(uniform(random) * count), count - 1)
