"""The negative controls: each breaks one guarantee on purpose, and the checker must see it.

Every control comes with the fault that exposes it. Under the same fault with the product's own
part (`broken=False`) nothing may be found: else the fault was caught, not what it exposes.
"""

from __future__ import annotations

from typing import Any, Protocol

from chaos.children import Launcher
from chaos.clients import Clients
from chaos.mesh import Environment, Run, Servers, a_run, usual
from chaos.small_scenarios import policy_off, version_check_off

FEW, MANY, CONNECTIONS, PAUSE_S = 30, 150, 8, 0.02
LIMIT_S, STILL_S = 20.0, 1.5
LATE_S = 0.04
Verdict = dict[str, Any]


def armed(point: str, parts: str = "", *, life: int = 0) -> Environment:
    """Swapped parts in every life, a crash point in one."""

    def environment(this: int) -> dict[str, str]:
        own = {"CHAOS_PARTS": parts}
        return own | ({"ATMR_CRASH_AT": point} if this == life and point else {})

    return environment


async def _books(run: Run, seed: int, count: int = FEW, *, actions: bool = True) -> None:
    clients = Clients(
        run.urls,
        run.world,
        run.history,
        seed=seed,
        connections=CONNECTIONS,
        pause_s=PAUSE_S,
        actions=actions,
    )
    clients.begin(lambda: run.history.bookings >= count)
    await clients.until_done()
    await clients.end()


async def inbox_off(
    servers: Servers, launcher: Launcher, name: str, seed: int, *, broken: bool = True
) -> Verdict:
    """The relay is killed between publishing and deleting, and publishes again."""
    api = (armed(f"relay.published:0.5@{seed}"),)
    consumer = armed("", "inbox_off" if broken else "")
    async with a_run(servers, name, launcher, api=api, consumer=consumer) as run:
        await _books(run, seed)
        return await run.judged(limit_s=LIMIT_S, still_s=STILL_S)


async def offset_first(
    servers: Servers, launcher: Launcher, name: str, seed: int, *, broken: bool = True
) -> Verdict:
    """The consumer is killed between its offset and its effect."""
    killed = f"consumer.handled:0.05@{seed}"
    consumer = armed("", "offset_first") if broken else armed(killed)
    async with a_run(servers, name, launcher, api=(usual,), consumer=consumer) as run:
        await _books(run, seed)
        return await run.judged(limit_s=LIMIT_S, still_s=STILL_S)


async def dual_write(
    servers: Servers, launcher: Launcher, name: str, seed: int, *, broken: bool = True
) -> Verdict:
    """The API publishes after its commit, without an outbox, and is killed between the two."""
    api = (armed(f"http.committed:0.5@{seed}", "dual_write" if broken else ""),)
    async with a_run(servers, name, launcher, api=api) as run:
        await _books(run, seed)
        return await run.judged(limit_s=LIMIT_S, still_s=STILL_S)


async def id_after_last(
    servers: Servers, launcher: Launcher, name: str, seed: int, *, broken: bool = True
) -> Verdict:
    """One API's database is far away: it commits later positions before earlier ones."""
    api = (armed("", "id_after_last" if broken else ""), armed("", "no_relay"))
    async with a_run(servers, name, launcher, api=api) as run:
        run.proxies["api-1"].set(latency_s=LATE_S)
        await _books(run, seed, MANY, actions=False)
        return await run.judged(limit_s=LIMIT_S, still_s=STILL_S)


async def nudge_only(
    servers: Servers, launcher: Launcher, name: str, seed: int, *, broken: bool = True
) -> Verdict:
    """The last commit's process is killed before it could nudge the relay, which is another's."""
    api = (armed("", "nudged" if broken else ""), armed("http.committed", "no_relay", life=1))
    async with a_run(servers, name, launcher, api=api) as run:
        await _books(run, seed, 10)
        await run.observer.settled(limit_s=5, still_s=1)
        run.apis[1].kill()
        while run.apis[1].lives < 2 or run.apis[1].pid is None:
            await run.until_ready()
        await run.until_ready()
        last = Clients(run.urls, run.world, run.history, seed=seed, actions=False)
        await last.book(process=1)
        await last.end()
        return await run.judged(limit_s=LIMIT_S, still_s=STILL_S)


class Control(Protocol):
    """Runs once, with its guarantee broken or not, and hands back what the checker says."""

    async def __call__(
        self, servers: Servers, launcher: Launcher, name: str, seed: int, *, broken: bool = True
    ) -> Verdict: ...


CONTROLS: dict[str, Control] = {
    "inbox_off": inbox_off,
    "offset_first": offset_first,
    "dual_write": dual_write,
    "id_after_last": id_after_last,
    "nudge_only": nudge_only,
    "version_check_off": version_check_off,
    "policy_off": policy_off,
}
