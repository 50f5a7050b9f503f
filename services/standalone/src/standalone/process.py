"""All servers in one process: ports, database, migrations, servers; stopped in reverse order.

Each server keeps its own port and its own application, so that what runs here is what runs in a
cluster; only the adapters behind the ports `bus` and `cache` are those of a single process.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from atmr_common.bus.memory import MemoryBus
from atmr_common.observability.logs import configure_logs
from atmr_common.runtime.clock import Clock, SystemClock
from atmr_common.runtime.leaving import leave
from atmr_common.runtime.service_process import ConfigurationError
from atmr_common.web.identity import Role
from standalone.database import DatabaseInUse, migrate, open_database
from standalone.embedded_postgres import EmbeddedPostgresError
from standalone.embedded_postgres.data_folder import make_folder
from standalone.errors import PartEndedError, StartError
from standalone.issuer.signing import DevelopmentIssuer, development_issuer
from standalone.listening import listening_sockets, url_of
from standalone.servers import AUDIENCE, SERVERS, TOKEN_LIFETIME, Shared
from standalone.serving import serving
from standalone.settings import StandaloneSettings, read_settings
from standalone.stopping import Body, StopRequest, run_until_stopped

__all__ = ["Running", "exit_code_of", "running_standalone", "serve"]


@dataclass(frozen=True, kw_only=True)
class Running:
    """A standalone that serves: the URL of each server by its name, and who issues its tokens."""

    urls: dict[str, str]
    issuer: DevelopmentIssuer
    database: DatabaseInUse
    tasks: dict[str, asyncio.Task[None]]

    def token(self, role: Role, company_id: UUID | None = None, *, subject: str = "demo") -> str:
        """A bearer token that this standalone's servers accept for half a day."""
        return self.issuer.issue(
            subject=subject,
            role=role,
            company_id=company_id,
            audience=AUDIENCE,
            lifetime=TOKEN_LIFETIME,
        )

    async def until_a_part_ends(self) -> None:
        """Serve; raises PartEndedError when a server or the database ends by itself."""
        parts = dict(self.tasks)
        if self.database.embedded is not None:
            parts["the embedded PostgreSQL"] = asyncio.create_task(self.database.embedded.ended())
        await asyncio.wait(parts.values(), return_when=asyncio.FIRST_COMPLETED)
        ended = [name + _reason(task) for name, task in parts.items() if task.done()]
        raise PartEndedError(
            f"Stopping everything, because this ended by itself: {', '.join(ended)}."
        )


@asynccontextmanager
async def running_standalone(
    settings: StandaloneSettings,
    stop: StopRequest,
    *,
    announce: Callable[[str], None],
    clock: Clock | None = None,
) -> AsyncIterator[Running]:
    """Everything, up and answering within the block."""
    clock = clock or SystemClock()
    configure_logs(settings.log_level, settings.log_format)
    async with AsyncExitStack() as stack:
        listeners = stack.enter_context(listening_sockets(SERVERS, settings))
        urls = {
            kind.name: url_of(listener) for kind, listener in zip(SERVERS, listeners, strict=True)
        }
        make_folder(settings.data)
        database = await stack.enter_async_context(open_database(settings, announce))
        await migrate(database, SERVERS)
        issuer = development_issuer(settings.data, clock)
        shared = Shared(
            database_url=database.url,
            bus=MemoryBus(),
            clock=clock,
            issuer=issuer,
            data=settings.data,
            urls=urls,
        )
        tasks = {}
        for kind, listener in zip(SERVERS, listeners, strict=True):
            app = await stack.enter_async_context(kind.application(shared))
            server = serving(app, listener, stop, drain_s=settings.drain_seconds)
            tasks[kind.name] = await stack.enter_async_context(server)
        yield Running(urls=urls, issuer=issuer, database=database, tasks=tasks)


def serve() -> None:
    """`atmr serve standalone`: everything, until SIGINT or SIGTERM."""

    async def body(stop: StopRequest) -> None:
        settings = read_settings(StandaloneSettings)
        async with running_standalone(settings, stop, announce=_say) as running:
            for name, url in running.urls.items():
                _say(f"{name} answers on {url} (documentation: {url}/docs)")
            _say("Ready. Ctrl-C stops everything.")
            stop.was_serving = True
            await running.until_a_part_ends()

    leave(exit_code_of(body, _say))


def exit_code_of(body: Body, announce: Callable[[str], None]) -> int:
    """Run `body` until it ends or is stopped; errors that a person can act upon in one line."""
    try:
        return run_until_stopped(body, announce)
    except StartError as error:
        announce(f"atmr: {error}")
        return error.exit_code
    except (EmbeddedPostgresError, ConfigurationError) as error:
        announce(f"atmr: {error}")
        return 1


def _reason(ended: asyncio.Task[None]) -> str:
    error = None if ended.cancelled() else ended.exception()
    return f" ({type(error).__name__}: {error})" if error else ""


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
