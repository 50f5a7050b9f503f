"""The served process stays small: no library of the database or the engine comes with it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
from support.processes import python_program
from support.tokens import TokenSigner

from atmr_common.web.identity import Role
from rl_inference.models.repository import Repository
from rl_inference.models.untrained import publish_untrained

FORBIDDEN = {
    "alembic",
    "asyncpg",
    "atmr_engine",
    "numba",
    "onnx",
    "sqlalchemy",
    "sqlmodel",
    "torch",
}
IMPORTED = """
import sys
from importlib.metadata import entry_points
(point,) = entry_points(group="atmr.services", name="rl-inference")
point.load()
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
SERVE = "from atmr_common.runtime.command_line import main; main()"
LARGEST_MIB = 130
STARTS_WITHIN_S = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until_it_answers(url: str, process: subprocess.Popen[str]) -> None:
    ends_at = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < ends_at:
        if process.poll() is not None:
            raise RuntimeError(process.communicate()[1])
        try:
            if httpx.get(f"{url}/readyz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError(url)


def ask(url: str, signer: TokenSigner) -> None:
    """Inferences enough for every path to have been taken once."""
    tensors = [
        {"name": name, "datatype": "FP32", "shape": [20, width], "data": [0.5] * 20 * width}
        for name, width in (("candidates", 40), ("context", 24))
    ]
    headers = {"Authorization": f"Bearer {signer.issue(role=Role.SERVICE)}"}
    with httpx.Client(base_url=url, headers=headers) as client:
        for _ in range(200):
            path = "/v2/models/dispatch-policy/infer"
            assert client.post(path, json={"inputs": tensors}).status_code == 200
        assert client.get("/metrics").status_code == 200


def test_what_is_served_imports_no_database_and_no_solver() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True, timeout=120
    )
    imported = set(done.stdout.split())
    assert {"onnxruntime", "fastapi", "rl_inference"} <= imported
    assert not imported & FORBIDDEN


def test_a_served_process_with_one_model_is_small(tmp_path: Path) -> None:
    publish_untrained(Repository(tmp_path / "models"))
    signer, port = TokenSigner(issuer="https://login.example.org"), free_port()
    (tmp_path / "keys.json").write_text(json.dumps(signer.jwks()))
    settings = {
        "ATMR_MODEL_REPOSITORY": str(tmp_path / "models"),
        "ATMR_PORT": str(port),
        "ATMR_AUTH_ISSUER": signer.issuer,
        "ATMR_AUTH_JWKS_FILE": str(tmp_path / "keys.json"),
    }
    url = f"http://127.0.0.1:{port}"
    with python_program(SERVE, "serve", "rl-inference", **settings) as process:
        until_it_answers(url, process)
        ask(url, signer)
        resident = psutil.Process(process.pid).memory_info().rss / 2**20
    print(f"resident: {resident:.0f} MiB")  # noqa: T201 (with pytest -s, the figure)
    assert resident <= LARGEST_MIB
