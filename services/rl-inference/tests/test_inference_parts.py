"""Calls of more rows than a model computes together, on both ways in."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from support.inference_doors import TOKEN, Doors, conversation
from support.inference_plane import FakePlane, delays, policy

from rl_inference.doors.parts import MOST_ROWS
from rl_inference.errors import OverloadedError

SCORE = "/atmr.policy.v1.PolicyService/ScoreCandidates"
PREDICT = "/atmr.risk.v1.DelayRiskService/Predict"
AT_ONCE = 64


@pytest.fixture
def doors() -> Doors:
    return Doors(FakePlane())


def question(rows: int, forbidden: int = 0) -> dict[str, Any]:
    count = rows + forbidden
    values = np.random.default_rng(rows).normal(size=(count, 4)).astype(np.float32)
    return {
        "codecVersion": 1,
        "candidates": {"shape": [count, 4], "values": values.ravel().tolist()},
        "context": {"shape": [2], "values": [1, 2]},
        "mask": [True] * rows + [False] * forbidden,
    }


async def asked(doors: Doors, path: str, message: dict[str, Any], *, fast: bool) -> Any:
    body = orjson.dumps(message)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: d\r\nauthorization: {TOKEN}\r\nx-request-id: r\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        "connection: close\r\n\r\n"
    )
    return await conversation(doors, [head.encode() + body], fast=fast)


@pytest.mark.parametrize("rows", [63, 64, 65, 128, 300])
@pytest.mark.parametrize("path", [SCORE, PREDICT])
async def test_any_number_of_rows_is_answered_alike(doors: Doors, path: str, rows: int) -> None:
    scores = question(rows, forbidden=3)
    values = np.arange(rows * 3, dtype=np.float32)
    legs = {"featureVersion": 2, "rows": {"shape": [rows, 3], "values": values.tolist()}}
    message = scores if path == SCORE else legs
    answers = [await asked(doors, path, message, fast=fast) for fast in (True, False)]
    assert answers[0] == answers[1]
    answer = orjson.loads(answers[0].partition(b"\r\n\r\n")[2])
    if path == SCORE:
        candidates = np.array(scores["candidates"]["values"], np.float32).reshape(-1, 4)[:rows]
        expected = policy().session.run(
            {"candidates": candidates, "context": np.array([[1, 2]], np.float32)}, ["scores"]
        )[0]
        assert answer["scores"] == expected.tolist()
    else:
        assert answer["delayS"]["shape"] == [rows, 3]
        assert answer["delayS"]["values"][1::3] == values[::3].tolist()
        assert len(answer["lateProbabilities"]) == rows
    assert max(ask.rows for ask in doors.plane.asked) <= AT_ONCE


async def test_one_part_waits_at_a_time(doors: Doors) -> None:
    doors.plane.holding = True
    transport = httpx.ASGITransport(doors.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://doors") as client:
        waiting = []

        asking = asyncio.create_task(
            client.post(SCORE, json=question(150), headers={"authorization": TOKEN})
        )
        await doors.plane.arrived.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        waiting.append(len(doors.plane.asked))
        doors.plane.release()
        answer = await asking
    assert waiting == [1]
    assert [ask.rows for ask in doors.plane.asked] == [64, 64, 22]
    assert answer.status_code == 200


async def test_all_parts_are_of_the_version_that_was_asked(doors: Doors) -> None:
    doors.plane.holding = True
    transport = httpx.ASGITransport(doors.app)

    async with httpx.AsyncClient(transport=transport, base_url="http://doors") as client:
        asking = asyncio.create_task(
            client.post(SCORE, json=question(100), headers={"authorization": TOKEN})
        )
        await doors.plane.arrived.wait()
        doors.plane.models["dispatch-policy"] = replace(policy(), version=9)
        doors.plane.release()
        answer = await asking
    assert answer.json()["model"]["version"] == 3
    assert len({id(ask.model) for ask in doors.plane.asked}) == 1


async def test_the_first_error_ends_it(doors: Doors) -> None:
    doors.plane.answering = OverloadedError("full", 1.0)
    answer = await asked(doors, SCORE, question(200), fast=True)
    assert answer.startswith(b"HTTP/1.1 429")
    assert len(doors.plane.asked) == 1


@pytest.mark.parametrize("path", [SCORE, PREDICT])
async def test_a_call_has_a_bound_that_its_refusal_names(doors: Doors, path: str) -> None:
    rows = MOST_ROWS + 1
    legs = {"featureVersion": 2, "rows": {"shape": [rows, 3], "values": [0] * rows * 3}}
    message = (
        legs
        if path == PREDICT
        else question(1)
        | {
            "candidates": {"shape": [rows, 4], "values": [0] * rows * 4},
            "mask": [True] * rows,
        }
    )
    answers = [await asked(doors, path, message, fast=fast) for fast in (True, False)]
    assert answers[0] == answers[1]
    assert answers[0].startswith(b"HTTP/1.1 400")
    assert b"4096" in answers[0]
    assert not doors.plane.asked


async def test_a_model_without_batches_is_asked_row_by_row() -> None:
    plane = FakePlane(replace(delays(), max_batch_size=0))
    legs = {"featureVersion": 2, "rows": {"shape": [3, 3], "values": [1, 0, 0, 2, 0, 0, 3, 0, 0]}}
    answer = await asked(Doors(plane), PREDICT, legs, fast=True)
    assert answer.startswith(b"HTTP/1.1 200")
    assert [ask.rows for ask in plane.asked] == [1, 1, 1]
