"""What is done to a run: kills, outages and bad networks, in an order drawn from a seed."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from chaos.mesh import Run
from chaos.proxy import FaultyProxy

LATENCY_S, SLOW_BYTES_PER_S = 0.03, 60_000.0


@dataclass
class Done:
    """One fault: what, and when it began (monotonic, and milliseconds since 1970)."""

    what: str
    at: float = field(default_factory=time.monotonic)
    at_ms: float = field(default_factory=lambda: time.time() * 1000)


class Faults:
    """The faults of one run; each returns when it is over, with everything as it was before."""

    def __init__(self, run: Run, *, seed: int, outage_s: float) -> None:
        self._run = run
        self._draw = random.Random(seed)
        self.outage_s = outage_s
        self.done: list[Done] = []
        self.kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "kill api": self.kill_api,
            "kill consumer": self.kill_consumer,
            "kill postgres": self.kill_postgres,
            "kill broker": self.kill_broker,
            "kill redis": self.kill_redis,
            "postgres outage": self.postgres_outage,
            "reset": self.reset,
            "latency": self.latency,
            "silence": self.silence,
            "throttle": self.throttle,
        }

    async def strike(self, kinds: list[str], *, within_s: float) -> None:
        """All of `kinds`, in a drawn order, at drawn moments."""
        order = self._draw.sample(kinds, len(kinds))
        until = time.monotonic() + within_s
        for number, kind in enumerate(order):
            left = max(0.0, until - time.monotonic()) / (len(order) - number)
            await asyncio.sleep(self._draw.uniform(0.3, 1.0) * left)
            self.done.append(Done(kind))
            await self.kinds[kind]()

    async def kill_api(self) -> None:
        self._draw.choice(self._run.apis).kill()

    async def kill_consumer(self) -> None:
        self._run.consumer.kill()

    async def kill_postgres(self) -> None:
        await self._run.servers.postgres.kill()
        await self._run.servers.postgres.start()

    async def kill_broker(self) -> None:
        kafka = self._run.servers.kafka
        await kafka.kill()
        await kafka.start(advertised_port=self._run.servers.kafka_proxy.port)

    async def kill_redis(self) -> None:
        """Where there is one."""
        if redis := self._run.servers.redis:
            await redis.kill()
            await redis.start()

    async def postgres_outage(self) -> None:
        """A kill, and nobody starts it again for a while."""
        await self._run.servers.postgres.kill()
        await asyncio.sleep(self.outage_s)
        await self._run.servers.postgres.start()

    async def reset(self) -> None:
        for proxy in self._proxies():
            proxy.reset()

    async def latency(self) -> None:
        await self._weather(3.0, latency_s=LATENCY_S)

    async def silence(self) -> None:
        """Half-open connections of one process's database, or of all to the broker."""
        await self._weather(2.0, silent=True)

    async def throttle(self) -> None:
        await self._weather(3.0, bytes_per_s=SLOW_BYTES_PER_S)

    async def _weather(
        self,
        seconds: float,
        *,
        latency_s: float = 0.0,
        bytes_per_s: float = 0.0,
        silent: bool = False,
    ) -> None:
        proxy = self._draw.choice(self._proxies())
        proxy.set(latency_s=latency_s, bytes_per_s=bytes_per_s, silent=silent)
        await asyncio.sleep(seconds)
        proxy.set()

    def _proxies(self) -> list[FaultyProxy]:
        servers = self._run.servers
        return [*self._run.proxies.values(), servers.kafka_proxy, servers.redis_proxy]
