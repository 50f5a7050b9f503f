"""Which partition a key belongs to: murmur2, as every Kafka client of Java's lineage has it.

Whole batches at once: one key at a time in Python costs more than all the rest of publishing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SEED = 0x9747B28C
MIX = np.uint32(0x5BD1E995)
POSITIVE = np.uint32(0x7FFFFFFF)


def partitions_of(keys: Sequence[bytes], count: int) -> list[int]:
    """The partition, 0 to `count` - 1, of each key."""
    if count == 1:
        return [0] * len(keys)
    by_length: dict[int, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        by_length[len(key)].append(index)
    partitions = np.empty(len(keys), dtype=np.int64)
    for length, indices in by_length.items():
        joined = b"".join([keys[index] for index in indices])
        octets = np.frombuffer(joined, dtype=np.uint8).reshape(len(indices), length)
        partitions[indices] = (_murmur2(octets) & POSITIVE) % np.uint32(count)
    chosen: list[int] = partitions.tolist()
    return chosen


def _murmur2(octets: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Hashes of keys of one length, shape (keys, length); arithmetic is modulo 2**32."""
    rows, length = octets.shape
    whole = length - length % 4
    hashes = np.full(rows, SEED ^ length, dtype=np.uint32)
    words = np.ascontiguousarray(octets[:, :whole]).view("<u4").T
    for word in words:
        mixed = word * MIX
        mixed ^= mixed >> np.uint32(24)
        mixed *= MIX
        hashes *= MIX
        hashes ^= mixed
    rest = octets[:, whole:].astype(np.uint32)
    if rest.shape[1]:
        for place in range(rest.shape[1]):
            hashes ^= rest[:, place] << np.uint32(8 * place)
        hashes *= MIX
    hashes ^= hashes >> np.uint32(13)
    hashes *= MIX
    hashes ^= hashes >> np.uint32(15)
    return hashes
