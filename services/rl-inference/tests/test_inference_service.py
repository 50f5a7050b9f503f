"""The whole service on a real socket: a model on disk, tokens, both ways in, events, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.inference_service import serving

from atmr_common.bus.port import Message
from atmr_common.contracts.models import ModelPublished
from atmr_common.runtime.service_process import ConfigurationError
from atmr_common.web.identity import Role
from rl_inference.models.repository import Repository
from rl_inference.models.untrained import publish_untrained

NAME = "dispatch-policy"
ROWS = 3


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    publish_untrained(Repository(tmp_path), NAME, version=1, seed=1)
    Repository(tmp_path).write_alias(NAME, "champion", 1)
    return tmp_path


def inference() -> dict[str, Any]:
    random = np.random.default_rng(4)
    return {
        "id": "seven",
        "inputs": [
            {
                "name": name,
                "datatype": "FP32",
                "shape": [ROWS, width],
                "data": random.normal(size=(ROWS, width)).ravel().tolist(),
            }
            for name, width in (("candidates", 40), ("context", 24))
        ],
    }


async def test_an_inference_is_answered_alike_by_both_ways(repository: Path) -> None:
    async with serving(repository) as served:
        path = f"/v2/models/{NAME}/infer"
        hot = await served.client.post(path, json=inference(), headers=served.token())
        content = hot.request.content

        async def chunks() -> AsyncIterator[bytes]:
            yield content  # without a length it takes the ordinary way

        slow = await served.client.post(path, content=chunks(), headers=served.token())
    assert (hot.status_code, slow.status_code) == (200, 200), hot.text
    assert hot.json() == slow.json()
    [scores] = hot.json()["outputs"]
    assert (scores["name"], len(scores["data"])) == ("scores", ROWS)
    assert hot.json()["id"] == "seven"
    assert hot.json()["model_version"] == "1"


async def test_scores_come_by_rpc(repository: Path) -> None:
    message = {
        "codecVersion": 1,
        "candidates": {"shape": [2, 40], "values": [0.0] * 80},
        "context": {"shape": [24], "values": [0.0] * 24},
        "mask": [True, False],
    }
    async with serving(repository) as served:
        path = "/atmr.policy.v1.PolicyService/ScoreCandidates"
        answer = await served.client.post(path, json=message, headers=served.token())
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["scores"]) == 1
    assert answer.json()["model"]["provider"] == "CPUExecutionProvider"


async def test_only_services_with_the_scope_may_ask(repository: Path) -> None:
    async with serving(repository) as served:
        path = f"/v2/models/{NAME}/infer"
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer nonsense"}, 401),
            (served.token(Role.DISPATCHER), 403),
            (served.token(scope="bookings:read"), 403),
            (served.token(scope="models:infer"), 200),
        ):
            answer = await served.client.post(path, json=inference(), headers=headers)
            assert answer.status_code == status, answer.text
        unload = f"/v2/repository/models/{NAME}/unload"
        refused = await served.client.post(unload, headers=served.token(scope="models:infer"))
        assert refused.status_code == 403


async def test_health_and_metadata_are_open_and_metrics_count(repository: Path) -> None:
    async with serving(repository) as served:
        await served.client.post(
            f"/v2/models/{NAME}/infer", json=inference(), headers=served.token()
        )
        ready = await served.client.get("/readyz")
        metadata = await served.client.get("/v2")
        metrics = await served.client.get("/metrics")
    assert (ready.status_code, metadata.json()["name"]) == (200, "atmr-rl-inference")
    lines = metrics.text.splitlines()
    assert f'atmr_inference_rows_total{{model="{NAME}",version="1"}} {ROWS}.0' in lines
    assert f'nv_inference_count{{model="{NAME}",version="1"}} {ROWS}.0' in lines
    assert any(line.startswith("atmr_inference_model_live{") for line in lines)


async def test_an_event_brings_a_new_version_at_once(repository: Path) -> None:
    async with serving(repository) as served:
        await asyncio.sleep(0)
        card = publish_untrained(Repository(repository), NAME, version=2, seed=2)
        event = ModelPublished(
            model=NAME, version=2, codec_version=1, checksum=card.checksum, synthetic=True
        )
        await served.bus.publish(
            [
                Message(
                    topic="model.v1",
                    key=NAME,
                    value=event.model_dump_json().encode(),
                    headers={"ce_type": "model.v1.ModelPublished"},
                )
            ]
        )
        async with asyncio.timeout(10):
            while not served.parts.plane.ready(NAME, 2):  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0.01)


async def test_a_repository_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="make-untrained"):
        async with serving(tmp_path / "nowhere"):
            pass
