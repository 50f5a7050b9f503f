from __future__ import annotations

import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil
import pytest

from standalone.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError


async def _fetch(server: EmbeddedPostgres, query: str) -> object:
    connection = await asyncpg.connect(server.plain_url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_it_serves_utf8_to_a_role_that_row_level_security_binds(made_data: Path) -> None:
    async with EmbeddedPostgres(made_data, durable=False) as server:
        assert await _fetch(server, "SHOW server_encoding") == "UTF8"
        assert await _fetch(server, "SELECT upper('zürich')") == "ZÜRICH"
        query = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        assert await _fetch(server, query) is False


async def test_a_later_start_finds_the_data(made_data: Path) -> None:
    async with EmbeddedPostgres(made_data) as server:
        await _fetch(server, "CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer")
    async with EmbeddedPostgres(made_data) as server:
        assert await _fetch(server, "SELECT answer FROM kept") == 42


def test_it_listens_in_a_closed_folder_and_on_no_network_port(made_data: Path) -> None:
    with EmbeddedPostgres(made_data, durable=False) as server:
        folder = Path(parse_qs(urlsplit(server.url).query)["host"][0])
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert server.pid is not None
        assert psutil.Process(server.pid).net_connections("inet") == []
    assert not folder.exists()


def test_stopping_ends_the_process_and_may_be_repeated(made_data: Path) -> None:
    server = EmbeddedPostgres(made_data, durable=False)
    server.start()
    pid = server.pid
    server.stop()
    server.stop()
    assert pid is not None
    assert not psutil.pid_exists(pid)
    with pytest.raises(EmbeddedPostgresError, match="no URL before it is started"):
        _ = server.url


async def test_it_outlives_the_thread_that_started_it(made_data: Path) -> None:
    """The kernel would end it with that thread, had it been started in it."""
    server = EmbeddedPostgres(made_data, durable=False)
    with ThreadPoolExecutor(1) as executor:
        executor.submit(server.start).result()
    try:
        assert await _fetch(server, "SELECT 1") == 1
        assert server.is_running
    finally:
        server.stop()


async def test_its_end_is_told(made_data: Path) -> None:
    async with EmbeddedPostgres(made_data, durable=False) as server:
        assert server.pid is not None
        psutil.Process(server.pid).kill()
        await server.ended()
        assert not server.is_running


def test_a_long_temporary_folder_does_not_break_the_socket(
    made_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 25)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with EmbeddedPostgres(made_data, durable=False) as server:
        assert str(long) not in server.url


def test_programs_that_the_account_cannot_reach_are_copied(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "standalone.embedded_postgres.server.first_closed_folder", lambda folder, _: folder
    )
    told: list[str] = []
    with EmbeddedPostgres(open_folder / "data", durable=False, announce=told.append) as server:
        assert server.pid is not None
        program = Path(psutil.Process(server.pid).exe())
        assert program.is_relative_to(open_folder / "data" / "programs")
    assert any("using a copy" in sentence for sentence in told)
