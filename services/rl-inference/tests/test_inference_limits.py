"""How often one may ask, and how often one may fail to say who one is, over a socket."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from support.inference_service import Served, serving

from atmr_common.runtime.settings import LoginSettings, ServiceSettings
from rl_inference.doors.hot_cycle import HotCycle
from rl_inference.models.repository import Repository
from rl_inference.models.untrained import publish_untrained
from rl_inference.settings import InferenceSettings

NAME = "dispatch-policy"
INFER = f"/v2/models/{NAME}/infer"
SCORE = "/atmr.policy.v1.PolicyService/ScoreCandidates"
FEW: dict[str, Any] = {
    "rate_limit_per_s": 0.001,
    "rate_burst": 3,
    "auth_failures_per_min": 0.001,
    "auth_failure_burst": 3,
}
QUESTION: dict[str, Any] = {
    "codecVersion": 1,
    "candidates": {"shape": [1, 40], "values": [0.0] * 40},
    "context": {"shape": [24], "values": [0.0] * 24},
    "mask": [True],
}
INFERENCE: dict[str, Any] = {
    "inputs": [
        {"name": name, "datatype": "FP32", "shape": [1, width], "data": [0.0] * width}
        for name, width in (("candidates", 40), ("context", 24))
    ]
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    publish_untrained(Repository(tmp_path), NAME, version=1, seed=1)
    Repository(tmp_path).write_alias(NAME, "champion", 1)
    return tmp_path


@pytest.fixture
def hot(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that took the hot way."""
    taken: list[str] = []
    start = HotCycle.start

    def noted(cycle: HotCycle) -> None:
        taken.append(cycle.path.decode())
        start(cycle)

    monkeypatch.setattr(HotCycle, "start", noted)
    return taken


def messages() -> list[tuple[str, dict[str, Any]]]:
    return [(INFER, INFERENCE), (SCORE, QUESTION)]


async def test_the_hot_way_is_taken_where_logs_have_a_handler(
    repository: Path, hot: list[str]
) -> None:
    """uvicorn takes a handler of the root for an access log, and that would close the hot way."""
    handler = logging.NullHandler()
    logging.getLogger().addHandler(handler)
    try:
        async with serving(repository) as served:
            for path, message in messages():
                answer = await served.client.post(path, json=message, headers=served.token())
                assert answer.status_code == 200, answer.text
    finally:
        logging.getLogger().removeHandler(handler)
    assert hot == [INFER, SCORE]


@pytest.mark.parametrize(("path", "message"), messages())
async def test_failed_authentications_of_an_address_are_limited(
    repository: Path, path: str, message: dict[str, Any]
) -> None:
    async with serving(repository, **FEW) as served:
        answers = [await tried(served, path, message, attempt) for attempt in range(6)]
        admitted = await served.client.post(path, json=message, headers=served.token())
        metrics = (await served.client.get("/metrics")).text
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert "failed-authentications" in answers[-1].headers["ratelimit"]
    assert admitted.status_code == 200  # a good token is not refused for the failures of others
    refused = 'limit="failed-authentications",outcome="refused"'
    assert any(refused in line and line.endswith(" 3.0") for line in metrics.splitlines())


async def tried(served: Served, path: str, message: dict[str, Any], attempt: int) -> httpx.Response:
    tokens = ({"Authorization": "Bearer no"}, {}, served.token(aud="others"))
    return await served.client.post(path, json=message, headers=tokens[attempt % len(tokens)])


async def test_failures_answer_in_the_form_of_their_door(repository: Path) -> None:
    async with serving(repository, **FEW | {"auth_failure_burst": 1}) as served:
        for path, message in messages():
            answer = await served.client.post(path, json=message)
        assert (answer.status_code, answer.json()["code"]) == (429, "resource_exhausted")
        answer = await served.client.post(INFER, json=INFERENCE)
        assert answer.json().keys() == {"error"}


async def test_a_service_of_the_platform_is_not_limited(repository: Path, hot: list[str]) -> None:
    async with serving(repository, **FEW) as served:
        token = served.token()
        for path, message in messages() * 5:
            answer = await served.client.post(path, json=message, headers=token)
            assert answer.status_code == 200
            assert "ratelimit" not in answer.headers
    assert len(hot) == 10


@pytest.mark.parametrize(("path", "message"), messages())
async def test_a_service_of_a_company_has_the_company_s_limit(
    repository: Path, hot: list[str], path: str, message: dict[str, Any]
) -> None:
    async with serving(repository, **FEW) as served:
        token = served.token(company_id=str(uuid4()))
        answers = [await served.client.post(path, json=message, headers=token) for _ in range(5)]
        other = served.token(company_id=str(uuid4()))
        unaffected = await served.client.post(path, json=message, headers=other)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[0].headers["ratelimit"].startswith('"company";r=2')
    assert unaffected.status_code == 200
    assert hot == []


async def test_the_longest_time_holds_for_every_door(repository: Path) -> None:
    async with serving(repository, deadline_ms=1) as served:
        await asyncio.sleep(0)
        busy = QUESTION | {
            "candidates": {"shape": [4096, 40], "values": [0.5] * 4096 * 40},
            "mask": [True] * 4096,
        }
        answer = await served.client.post(SCORE, json=busy, headers=served.token())
    assert (answer.status_code, answer.json()["code"]) == (504, "deadline_exceeded")


def test_no_setting_is_without_effect() -> None:
    """What serves logins, other services and crash points is none of this service's."""
    ours = set(InferenceSettings.model_fields)
    elsewhere = set(ServiceSettings.model_fields) - set(LoginSettings.__mro__[1].model_fields)
    assert {"auth_client_id", "public_url", "service_token_file", "crash_at"} <= elsewhere
    assert not ours & elsewhere
