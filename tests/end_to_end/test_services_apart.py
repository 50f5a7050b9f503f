"""`atmr serve dispatch-api` and `atmr serve dispatch-worker` as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from support.tokens import TokenSigner

from atmr_common.web.identity import Role

ATMR = Path(sys.executable).with_name("atmr")
START_LIMIT_S = 60


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def issuer() -> TokenSigner:
    return TokenSigner(issuer="https://login.test/")


@pytest.fixture
def environment(tmp_path: Path, issuer: TokenSigner, database_url: str) -> dict[str, str]:
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps(issuer.jwks()))
    return os.environ | {
        "DATABASE_URL": database_url,
        "ATMR_AUTH_ISSUER": issuer.issuer,
        "ATMR_AUTH_JWKS_FILE": str(keys),
        "ATMR_PATIENT_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "ATMR_PORT": str(free_port()),
        "ATMR_WORKER_PORT": str(free_port()),
    }


@contextmanager
def running(service: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([str(ATMR), "serve", service], env=environment, stderr=log)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)
        log.seek(0)
        assert process.returncode == 0, log.read().decode()


def token(issuer: TokenSigner, role: Role, company_id: UUID | None) -> dict[str, str]:
    signed = issuer.issue(
        subject="tests",
        role=role,
        company_id=company_id,
        audience="atmr",
        lifetime=timedelta(minutes=5),
    )
    return {"Authorization": f"Bearer {signed}"}


def answered(client: httpx.Client, path: str, wanted: object) -> None:
    """Ask until the answer holds `wanted`; a server and a worker take a moment to start."""
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit:
        try:
            if wanted in client.get(path).json().values():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(f"{path} did not answer {wanted!r} within {START_LIMIT_S} s")


def test_a_worker_apart_finishes_the_run_that_the_api_queued(
    environment: dict[str, str], issuer: TokenSigner
) -> None:
    url = f"http://127.0.0.1:{environment['ATMR_PORT']}"
    with running("dispatch-api", environment), httpx.Client(base_url=url) as client:
        answered(client, "/readyz", "ok")
        platform = token(issuer, Role.SERVICE, None)
        made = client.post("/v1/companies", json={"name": "Apart"}, headers=platform).json()
        client.headers.update(token(issuer, Role.DISPATCHER, UUID(made["id"])))
        run = client.post("/v1/dispatch-runs", json={"date": "2026-03-16", "iterations": 1}).json()
        assert run["state"] == "queued"
        with running("dispatch-worker", environment):
            answered(client, f"/v1/dispatch-runs/{run['id']}", "completed")
            own = f"http://127.0.0.1:{environment['ATMR_WORKER_PORT']}"
            assert httpx.get(f"{own}/readyz").json()["status"] == "ok"
            assert 'runs_total{outcome="completed"} 1.0' in httpx.get(f"{own}/metrics").text


@pytest.mark.parametrize(
    ("missing", "value", "sentence"),
    [
        ("ATMR_PATIENT_KEY", "", "ATMR_PATIENT_KEY"),
        ("ATMR_PATIENT_KEY", "c2hvcnQ=", "32 bytes"),
        ("ATMR_AUTH_JWKS_FILE", "/nowhere/jwks.json", "ATMR_AUTH_JWKS_FILE"),
        ("ATMR_AUTH_ISSUER", "", "Set ATMR_AUTH_ISSUER"),
        ("ATMR_AUTH_ISSUER", "atmr-development", "exists in standalone only"),
        ("ATMR_PLACES_INDEX", "/nowhere/places.sqlite", "ATMR_PLACES_INDEX"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence(
    environment: dict[str, str], missing: str, value: str, sentence: str
) -> None:
    ended = subprocess.run(
        [str(ATMR), "serve", "dispatch-api"],
        env=environment | {missing: value},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
