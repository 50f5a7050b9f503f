"""The Connect RPC doors: `PolicyService` and `DelayRiskService`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response, params

from atmr_common.contracts import policy, risk
from atmr_common.contracts.policy import ScoreCandidatesRequest, ScoreCandidatesResponse
from atmr_common.contracts.risk import PredictRequest, PredictResponse
from atmr_common.web.rpc import LONGEST_S, Deadline, RpcDeadline, rpc_router
from rl_inference.doors.delay_prediction import prediction_ask, prediction_response
from rl_inference.doors.departure import unless_gone
from rl_inference.doors.error_answers import rpc_error
from rl_inference.doors.http_answer import JSON
from rl_inference.doors.parts import outcome_in_parts
from rl_inference.doors.policy_scoring import scoring_ask, scoring_response
from rl_inference.errors import DataPlaneError

if TYPE_CHECKING:
    from atmr_common.contracts.rpc_message import RpcMessage
    from rl_inference.dataplane.asking import Answer, Ask
    from rl_inference.doors.data_plane import DataPlane


def policy_router(
    plane: DataPlane, callers: Sequence[params.Depends] = (), *, longest_s: float = LONGEST_S
) -> APIRouter:
    """`ScoreCandidates`; `callers` are the dependencies that admit."""
    router = rpc_router(policy.SERVICE, longest_s=longest_s)

    @router.post(
        f"/{policy.SCORE_CANDIDATES}",
        dependencies=callers,
        response_model=ScoreCandidatesResponse,
    )
    async def score_candidates(
        request: Request, message: ScoreCandidatesRequest, deadline: RpcDeadline
    ) -> Response:
        """A score for each allowed candidate."""
        ends_at = ending(deadline, message.deadline_ms)
        return await _answer(
            request, plane, lambda: scoring_ask(plane, message, ends_at), scoring_response
        )

    return router


def risk_router(
    plane: DataPlane, callers: Sequence[params.Depends] = (), *, longest_s: float = LONGEST_S
) -> APIRouter:
    """`Predict`; `callers` are the dependencies that admit."""
    router = rpc_router(risk.SERVICE, longest_s=longest_s)

    @router.post(f"/{risk.PREDICT}", dependencies=callers, response_model=PredictResponse)
    async def predict(request: Request, message: PredictRequest, deadline: RpcDeadline) -> Response:
        """Delays and probabilities for each row."""
        ends_at = ending(deadline, message.deadline_ms)
        return await _answer(
            request, plane, lambda: prediction_ask(plane, message, ends_at), prediction_response
        )

    return router


def ending(deadline: Deadline, deadline_ms: int | None) -> float:
    """When the answer is of no use any more, on the loop's clock."""
    within_s = deadline.remaining_s
    if deadline_ms is not None:
        within_s = min(within_s, deadline_ms / 1000)
    return asyncio.get_running_loop().time() + within_s


async def _answer(
    request: Request,
    plane: DataPlane,
    asked: Callable[[], Ask],
    response: Callable[[Answer | DataPlaneError], RpcMessage],
) -> Response:
    """The response as it was written here: the framework would check it once more."""
    try:
        outcome = await unless_gone(request.receive, outcome_in_parts(plane, asked()))
        message = response(outcome)
    except DataPlaneError as error:
        raise rpc_error(error) from error
    return Response(message.model_dump_json().encode(), media_type=JSON)
