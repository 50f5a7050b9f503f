"""The issuer's present keys: read again now and then and when a token names an unknown one.

Where they cannot be read, the last good ones stay in use; that is logged and counted.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog
from prometheus_client import CollectorRegistry, Counter

from atmr_common.runtime.clock import Clock
from atmr_common.web.bounded_fetch import FetchError
from atmr_common.web.key_set import KeySet
from atmr_common.web.key_sources import KeySource

FIRST_RETRY_S = 1.0

log = structlog.get_logger(__name__)


class KeyRing:
    """`keys` is None until they could be read once; `generation` grows with every change."""

    def __init__(
        self, source: KeySource, clock: Clock, *, registry: CollectorRegistry | None = None
    ) -> None:
        self.keys: KeySet | None = None
        self.generation = 0
        self._source = source
        self._clock = clock
        self._failure = "they were not asked for yet"
        self._asked_at: datetime | None = None
        self._one_at_a_time = asyncio.Lock()
        self._readings = Counter(
            "atmr_auth_key_readings",
            "Times that the issuer's keys were read; after a failure the last good ones are used.",
            ("result",),
            registry=registry or CollectorRegistry(),
        )

    def take(self, document: object) -> None:
        """Use the keys of `document` from now on; ValueError where it has none."""
        keys = KeySet.parse(document)
        if not keys.same_as(self.keys):
            self.keys = keys
            self.generation += 1

    async def ask(self) -> None:
        """Read the keys for a token that cannot be checked without; not more often than sensible.

        Whoever comes while they are read waits for the same answer.
        """
        async with self._one_at_a_time:
            now = self._clock.now()
            pause = timedelta(seconds=self._source.pause_s if self.keys else FIRST_RETRY_S)
            if self._asked_at is None or not timedelta() <= now - self._asked_at < pause:
                await self._read()
                self._asked_at = self._clock.now()

    async def run(self) -> None:
        """Read the keys again and again, until cancelled."""
        retry_s = FIRST_RETRY_S
        while True:
            async with self._one_at_a_time:
                fine = await self._read()
            await asyncio.sleep(self._source.interval_s if fine else retry_s)
            retry_s = FIRST_RETRY_S if fine else min(2 * retry_s, self._source.interval_s)

    async def ready(self) -> str | None:
        """Why no token can be checked; None when it can."""
        return None if self.keys else f"no keys of the token issuer: {self._failure}"

    async def _read(self) -> bool:
        try:
            self.take(await self._source.read())
        except (FetchError, ValueError) as error:
            self._failure = str(error)
            self._readings.labels("failed").inc()
            log.warning("issuer's keys not read", reason=self._failure, in_use=bool(self.keys))
            return False
        self._readings.labels("read").inc()
        return True
