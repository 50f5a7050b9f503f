"""The Connect services of rl-inference: scores for allowed candidates, delays for rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest
from support.inference_doors import TOKEN, Doors
from support.inference_plane import FakePlane, FunctionSession, a_model, policy

from atmr_common.contracts.policy import ScoreCandidatesResponse
from atmr_common.contracts.risk import PredictResponse
from rl_inference.errors import (
    ComputationError,
    DataPlaneError,
    ExpiredError,
    NotReadyError,
    OverloadedError,
)

SCORE = "/atmr.policy.v1.PolicyService/ScoreCandidates"
PREDICT = "/atmr.risk.v1.DelayRiskService/Predict"
QUESTION: dict[str, Any] = {
    "codecVersion": 1,
    "candidates": {"shape": [3, 4], "values": [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]},
    "context": {"shape": [2], "values": [10, 20]},
    "mask": [True, False, True],
}
ROWS: dict[str, Any] = {
    "featureVersion": 2,
    "rows": {"shape": [2, 3], "values": [60, 0, 0, 120, 0, 0]},
}


@pytest.fixture
def doors() -> Doors:
    return Doors(FakePlane())


@pytest.fixture
async def http(doors: Doors) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(doors.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://doors", headers={"authorization": TOKEN}
    ) as client:
        yield client


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_allowed_candidates_are_scored_in_their_order(
    doors: Doors, http: httpx.AsyncClient
) -> None:
    answer = await http.post(SCORE, json=QUESTION)
    response = ScoreCandidatesResponse.model_validate_json(answer.content)
    assert response.by_candidate(QUESTION["mask"]) == [31.0, None, 33.0]
    assert (response.model.name, response.model.version) == ("dispatch-policy", 3)
    assert (response.model.provider, response.degraded) == ("CPUExecutionProvider", None)
    asked = doors.plane.asked[0]
    assert asked.rows == 2
    assert asked.inputs["candidates"].tolist() == [[1, 0, 0, 0], [3, 0, 0, 0]]
    assert asked.inputs["context"].tolist() == [[10, 20], [10, 20]]


async def test_an_answer_says_when_it_is_degraded(doors: Doors, http: httpx.AsyncClient) -> None:
    doors.plane.models["dispatch-policy"] = replace(policy(), degraded="gpu_unavailable")
    assert (await http.post(SCORE, json=QUESTION)).json()["degraded"] == "gpu_unavailable"


@pytest.mark.parametrize(
    ("path", "question"),
    [(SCORE, QUESTION | {"codecVersion": 2}), (PREDICT, ROWS | {"featureVersion": 1})],
)
async def test_a_caller_that_encodes_otherwise_is_refused(
    http: httpx.AsyncClient, path: str, question: dict[str, Any]
) -> None:
    answer = await http.post(path, json=question)
    assert code(answer) == (400, "failed_precondition")
    assert answer.json()["details"][0]["debug"]["reason"].endswith("_version_mismatch")


@pytest.mark.parametrize(
    "fields",
    [
        {"candidates": {"shape": [3, 1], "values": [1, 2, 3]}},
        {"context": {"shape": [1], "values": [1]}},
        {"mask": [True, True]},
        {"mask": [False, False, False]},
        {"candidates": {"shape": [4097, 4], "values": [0] * 16_388}, "mask": [True] * 4097},
        {"deadlineMs": 0},
    ],
)
async def test_shapes_that_do_not_fit_are_refused(
    doors: Doors, http: httpx.AsyncClient, fields: dict[str, Any]
) -> None:
    assert code(await http.post(SCORE, json=QUESTION | fields)) == (400, "invalid_argument")
    assert not doors.plane.asked


@pytest.mark.parametrize("fields", [{"model": "none"}, {"alias": "shadow"}])
async def test_an_unknown_model_is_not_found(
    http: httpx.AsyncClient, fields: dict[str, Any]
) -> None:
    assert code(await http.post(SCORE, json=QUESTION | fields)) == (404, "not_found")


async def test_a_model_of_another_kind_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post(SCORE, json=QUESTION | {"model": "adder"})
    assert code(answer) == (400, "failed_precondition")


@pytest.mark.parametrize("path", [SCORE, PREDICT])
@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (OverloadedError("full", 0.2), (429, "resource_exhausted")),
        (ExpiredError("late"), (504, "deadline_exceeded")),
        (NotReadyError("loading"), (503, "unavailable")),
        (ComputationError("failed"), (500, "internal")),
    ],
)
async def test_errors_of_the_plane_have_their_code(
    doors: Doors,
    http: httpx.AsyncClient,
    path: str,
    failure: DataPlaneError,
    expected: tuple[int, str],
) -> None:
    doors.plane.refusing = failure
    answer = await http.post(path, json=QUESTION if path == SCORE else ROWS)
    assert code(answer) == expected
    assert ("retry-after" in answer.headers) == (expected[0] in {429, 503})


@pytest.mark.parametrize(
    ("header", "field", "within_s"),
    [(None, None, 30.0), ("5000", None, 5.0), (None, 4000, 4.0), ("3000", 9000, 3.0)],
)
async def test_the_shorter_deadline_counts(
    doors: Doors, http: httpx.AsyncClient, header: str | None, field: int | None, within_s: float
) -> None:
    headers = {} if header is None else {"connect-timeout-ms": header}
    body = QUESTION if field is None else QUESTION | {"deadlineMs": field}
    assert (await http.post(SCORE, json=body, headers=headers)).status_code == 200
    asked = doors.plane.asked[0]
    assert asked.ends_at <= doors.plane.submitted_at + within_s
    assert asked.ends_at > doors.plane.submitted_at + within_s - 1


async def test_a_score_that_is_no_number_is_not_handed_out(
    doors: Doors, http: httpx.AsyncClient
) -> None:
    healthy = policy()
    broken = FunctionSession(
        healthy.session.inputs,
        healthy.session.outputs,
        lambda rows: {"scores": np.full(len(rows["context"]), np.nan, np.float32)},
    )
    doors.plane.models["dispatch-policy"] = replace(healthy, session=broken)
    assert code(await http.post(SCORE, json=QUESTION)) == (500, "internal")


async def test_delays_come_at_the_levels_of_the_card(http: httpx.AsyncClient) -> None:
    answer = await http.post(PREDICT, json=ROWS)
    response = PredictResponse.model_validate_json(answer.content)
    assert response.levels == (0.1, 0.5, 0.9)
    assert response.delay_s.shape == (2, 3)
    assert response.delay_s.values == (59, 60, 61, 119, 120, 121)
    assert response.late_probabilities == (0.25, 0.25)
    assert (response.calibrated, response.feature_version) == (True, 2)


async def test_no_rows_are_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post(PREDICT, json=ROWS | {"rows": {"shape": [0, 3]}})
    assert code(answer) == (400, "invalid_argument")


async def test_a_model_that_belies_its_card_is_no_answer(
    doors: Doors, http: httpx.AsyncClient
) -> None:
    honest = doors.plane.models["delay-risk"]
    session = honest.session
    card: dict[str, Any] = {"kind": "delay_risk", "feature_version": 2, "levels": (0.5,)}
    doors.plane.models["delay-risk"] = a_model("delay-risk", session, **card)
    assert code(await http.post(PREDICT, json=ROWS)) == (500, "internal")


@pytest.mark.parametrize("path", [SCORE, PREDICT])
async def test_a_token_is_needed(http: httpx.AsyncClient, path: str) -> None:
    del http.headers["authorization"]
    assert code(await http.post(path, json=QUESTION)) == (401, "unauthenticated")
