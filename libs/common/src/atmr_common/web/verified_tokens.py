"""Remembers the outcome of a signature check for a minute: checking costs more than a request."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from atmr_common.web.identity import Identity


class VerifiedTokens:
    """The identities of the most recently used tokens, by the tokens' digests."""

    def __init__(self, *, most: int = 10_000, keep_s: float = 60.0) -> None:
        self._most = most
        self._keep_s = keep_s
        self._entries: OrderedDict[bytes, tuple[float, Identity]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, digest: bytes, now: float) -> Identity | None:
        entry = self._entries.get(digest)
        if entry is None:
            return None
        if now >= entry[0]:
            del self._entries[digest]
            return None
        self._entries.move_to_end(digest)
        return entry[1]

    def put(self, digest: bytes, identity: Identity, *, now: float, expires: float) -> None:
        """Remember until the token expires, and a minute at most."""
        self._entries[digest] = (min(expires, now + self._keep_s), identity)
        self._entries.move_to_end(digest)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        self._entries.clear()


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
