"""The mesh: servers behind proxies, shared by runs; a run's own processes, database and topics."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from chaos.children import TESTS, Launcher, Supervised
from chaos.consumer_process import TOPIC
from chaos.history import History
from chaos.proxy import FaultyProxy
from chaos.servers import (
    DurablePostgres,
    KillableKafka,
    KillableRedis,
    free_port,
    until_kafka_answers,
)
from chaos.state import Observer, write
from chaos.world import PATIENT_KEY, Issuer, World, make_world
from support.databases import create_database, create_migrated_template
from support.kafka_servers import Distribution, RealKafka

TEMPLATE = "chaos_template"
FOLDER = "atmr-chaos-"
PARTITIONS = 6
START_S = 60.0
Environment = Callable[[int], dict[str, str]]
"""What differs in life 0, 1, 2 ... of a process."""


def nowhere() -> None:
    """The address of a server that is not here."""


def usual(life: int) -> dict[str, str]:
    del life
    return {}


@dataclass
class Servers:
    """PostgreSQL, Kafka, and Redis where it is installed, each behind a proxy.

    `postgres_proxy` is the observer's.
    """

    folder: Path
    postgres: DurablePostgres
    kafka: KillableKafka
    postgres_proxy: FaultyProxy
    kafka_proxy: FaultyProxy
    issuer: Issuer
    redis: KillableRedis | None
    redis_proxy: FaultyProxy

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.kafka_proxy.port}"

    def url(self, database: str = "atmr", proxy: FaultyProxy | None = None) -> str:
        port = (proxy or self.postgres_proxy).port
        return f"postgresql://atmr@127.0.0.1:{port}/{database}"


@asynccontextmanager
async def servers_running(distribution: Distribution) -> AsyncIterator[Servers]:
    """Both servers, started at once, with a migrated template; nothing is left of them."""
    _clear_remains()
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
    folder.chmod(0o711)  # noqa: ASYNC240 (at once; as root, PostgreSQL has another account)
    postgres = DurablePostgres(folder / "postgres")
    kafka = KillableKafka(distribution, folder / "kafka")
    redis = KillableRedis(folder) if KillableRedis.is_here() else None
    addresses = (postgres.address, kafka.address, redis.address if redis else nowhere)
    try:
        async with AsyncExitStack() as own:
            near, far, aside = [await own.enter_async_context(FaultyProxy(a)) for a in addresses]
            servers = Servers(
                folder, postgres, kafka, near, far, Issuer(folder), redis, redis_proxy=aside
            )
            if redis:
                await redis.start()
            await asyncio.gather(_make_database(servers), kafka.start(advertised_port=far.port))
            await until_kafka_answers(servers.bootstrap)
            yield servers
    finally:
        await kafka.kill()
        if redis:
            await redis.kill()
        await postgres.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _clear_remains() -> None:
    """The folders of runs that were killed; their processes ended with them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}*-*"):
        owner = folder.name.removeprefix(FOLDER).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


async def _make_database(servers: Servers) -> None:
    await servers.postgres.start()
    await create_migrated_template(servers.url(), TEMPLATE)


@dataclass
class Run:
    """One run: its world, its processes and what it writes down."""

    servers: Servers
    folder: Path
    world: World
    prefix: str
    history: History
    observer: Observer
    apis: list[Supervised]
    consumer: Supervised
    proxies: dict[str, FaultyProxy]
    urls: list[str] = field(default_factory=list)

    @property
    def processes(self) -> list[Supervised]:
        return [*self.apis, self.consumer]

    @property
    def ends(self) -> list[Any]:
        return sorted((end for each in self.processes for end in each.ends), key=lambda e: e.at)

    async def until_ready(self) -> None:
        """Until every API process would serve."""
        async with asyncio.timeout(START_S), httpx.AsyncClient(trust_env=False) as client:
            for url in self.urls:
                while not await _is_ready(client, url):  # noqa: ASYNC110 (it is asked)
                    await asyncio.sleep(0.05)

    async def stop(self) -> None:
        await asyncio.gather(*(each.stop() for each in self.processes))

    async def judged(self, *, limit_s: float, still_s: float) -> dict[str, Any]:
        """Wait for rest, stop all, write the final state down, and let the checker run apart."""
        rest = await self.observer.settled(limit_s=limit_s, still_s=still_s)
        await self.stop()
        write(await self.observer.read(), self.folder / "state.json")
        checker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "chaos.check",
            str(self.folder),
            env=os.environ | {"PYTHONPATH": str(TESTS)},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await checker.communicate()
        verdict: dict[str, Any] = json.loads(output)
        return verdict | {"rest": rest, "caught": checker.returncode == 1}


def _keep_logs(folder: Path, place: Path | None) -> None:
    """What a run wrote, for whoever looks for the cause of a finding."""
    if place is not None:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder, place)


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/readyz")).is_success
    except httpx.HTTPError:
        return False


@asynccontextmanager
async def a_run(
    servers: Servers,
    name: str,
    launcher: Launcher,
    *,
    api: tuple[Environment, ...],
    consumer: Environment = usual,
    keep: Path | None = None,
) -> AsyncIterator[Run]:
    """Processes on a fresh database and fresh topics, started; all are stopped at the end."""
    folder = servers.folder / "runs" / name
    folder.mkdir(parents=True)
    prefix = f"{name}."
    names = [f"api-{number}" for number in range(len(api))]
    async with AsyncExitStack() as own:
        database, _ = await asyncio.gather(
            create_database(servers.url(), TEMPLATE),
            RealKafka().make_topics(
                servers.bootstrap, [f"{prefix}{TOPIC}", f"{prefix}{TOPIC}.dead-letter"], PARTITIONS
            ),
        )
        world = await make_world(database, servers.issuer)
        proxies = {
            each: await own.enter_async_context(FaultyProxy(servers.postgres.address))
            for each in (*names, "consumer")
        }
        deliveries = folder / "deliveries"
        database_name = database.rpartition("/")[2]

        def environment(of: str, differs: Environment, port: int) -> Environment:
            common = _environment(servers, servers.url(database_name, proxies[of]), prefix)
            common |= {"ATMR_PORT": str(port), "CHAOS_DELIVERIES": str(deliveries)}
            return lambda life: common | differs(life)

        def supervised(of: str, module: str, differs: Environment, port: int) -> Supervised:
            return Supervised(of, module, launcher, environment(of, differs, port), folder)

        ports = [free_port() for _ in api]
        apis = [
            supervised(each, "chaos.api_process", differs, port)
            for each, differs, port in zip(names, api, ports, strict=True)
        ]
        consuming = supervised("consumer", "chaos.consumer_process", consumer, 0)
        history = own.enter_context(History(folder / "history.jsonl"))
        observer = Observer(database, servers.bootstrap, prefix, deliveries)
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        run = Run(servers, folder, world, prefix, history, observer, apis, consuming, proxies, urls)
        own.callback(_keep_logs, folder, keep)
        own.push_async_callback(run.stop)
        for process in run.processes:
            process.begin()
        await run.until_ready()
        yield run


def _environment(servers: Servers, url: str, prefix: str) -> dict[str, str]:
    redis = {"ATMR_REDIS_URL": f"redis://127.0.0.1:{servers.redis_proxy.port}/0"}
    return (redis if servers.redis else {}) | {
        "PYTHONPATH": str(TESTS),
        "DATABASE_URL": url,
        "ATMR_KAFKA_BOOTSTRAP": servers.bootstrap,
        "ATMR_AUTH_ISSUER": servers.issuer.name,
        "ATMR_AUTH_JWKS_FILE": str(servers.issuer.jwks_file),
        "ATMR_PATIENT_KEY": PATIENT_KEY,
        "ATMR_ENVIRONMENT": "chaos",
        "CHAOS_TOPIC_PREFIX": prefix,
    }
