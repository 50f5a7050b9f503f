"""Standalone within the test's own event loop: its parts, and what clients see."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from atmr_common.web.identity import Role
from standalone.errors import PartEndedError, StartError
from standalone.listening import listening_sockets, url_of
from standalone.patient_key import patient_key_file
from standalone.process import running_standalone
from standalone.servers import SERVERS
from standalone.serving import serving
from standalone.settings import StandaloneSettings, read_settings
from standalone.stopping import StopRequest, run_until_stopped


def _silent(_sentence: str) -> None:
    return None


def _settings(data: Path, **more: object) -> StandaloneSettings:
    return StandaloneSettings.model_validate({"data": data, "port_base": 0, **more})


async def test_every_server_is_ready_and_accepts_its_issuers_tokens(
    standalone_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    stop = StopRequest(_silent)
    async with (
        running_standalone(_settings(standalone_data), stop, announce=_silent) as running,
        httpx.AsyncClient() as client,
    ):
        assert list(running.urls) == [kind.name for kind in SERVERS]
        for url in running.urls.values():
            answer = await client.get(f"{url}/readyz")
            assert answer.json() == {"status": "ok", "failed": {}}
        token = running.token(Role.SERVICE)
        answer = await client.post(
            f"{running.urls['dispatch-api']}/v1/companies",
            json={"name": "SYNTHETIC company"},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 201, answer.text
        closed = running.urls["dispatch-api"]
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(closed.rsplit(":", 1)[1]))


def test_ports_follow_the_base_unless_set() -> None:
    (first, *_) = SERVERS
    assert first.port(_settings(Path("x"), port_base=8100)) == 8100
    assert first.port(_settings(Path("x"), port_base=8100, dispatch_port=9000)) == 9000
    assert first.port(_settings(Path("x"))) == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 (for the blink of a test)
def test_a_server_on_every_address_is_shown_where_it_can_be_opened(host: str) -> None:
    with listening_sockets(SERVERS[:1], _settings(Path("x"), host=host)) as (listener,):
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_a_failing_lifespan_is_an_error_and_no_exit() -> None:
    app = FastAPI(lifespan=lambda _: _Failing())
    with listening_sockets(SERVERS[:1], _settings(Path("x"))) as (listener,):
        server = serving(app, listener, StopRequest(_silent), drain_s=1)
        with pytest.raises(RuntimeError, match="no start"):
            await server.__aenter__()


class _Failing:
    async def __aenter__(self) -> None:
        raise RuntimeError("no start")

    async def __aexit__(self, *_: object) -> None:
        return None


async def test_a_server_that_ends_by_itself_is_named(
    standalone_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    settings = _settings(standalone_data)
    async with running_standalone(settings, StopRequest(_silent), announce=_silent) as running:
        running.tasks["dispatch-api"].cancel()
        with pytest.raises(PartEndedError, match="ended by itself: dispatch-api"):
            await running.until_a_part_ends()


def test_the_patient_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    first = patient_key_file(tmp_path).read_bytes()
    assert patient_key_file(tmp_path).read_bytes() == first
    assert patient_key_file(tmp_path).stat().st_mode & 0o777 == 0o600


def test_an_error_of_the_work_comes_through() -> None:
    async def fails(_: StopRequest) -> None:
        await asyncio.sleep(0)
        raise ValueError("not ours to swallow")

    with pytest.raises(ValueError, match="not ours"):
        run_until_stopped(fails, _silent)


def test_a_wrong_setting_is_named_as_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATMR_PORT_BASE", "eighty")
    with pytest.raises(StartError, match=r"A setting is wrong: ATMR_PORT_BASE: .* integer"):
        read_settings(StandaloneSettings)
    assert read_settings(StandaloneSettings, port_base=81).port_base == 81
