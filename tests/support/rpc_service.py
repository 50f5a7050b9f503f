"""A service with RPC methods for tests: the policy's contract, and methods that fail or wait."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Request
from prometheus_client import CollectorRegistry

from atmr_common.contracts.policy import (
    SERVICE,
    ScoreCandidatesRequest,
    ScoreCandidatesResponse,
    ServedModel,
)
from atmr_common.contracts.rpc_message import RpcMessage
from atmr_common.web.problems import FieldProblem, InvalidError, ProblemError
from atmr_common.web.rpc import RpcDeadline, rpc_router
from atmr_common.web.rpc_errors import BY_WORD
from atmr_common.web.server import Server
from atmr_common.web.service_app import ServiceDescription, create_service_app

TRIAL = "atmr.trial.v1.TrialService"
MAX_BODY_BYTES = 64 * 1024
MAX_MESSAGE_BYTES = 256 * 1024


class FailRequest(RpcMessage):
    code: str
    text: str = "as asked for"


class WaitRequest(RpcMessage):
    seconds: float = 0.0


class WaitResponse(RpcMessage):
    remaining_ms: float
    traceparent: str = ""


class RefusedError(ProblemError):
    status = 409
    code = "already_decided"


@dataclass
class Seen:
    """What happened inside the service."""

    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    endings: list[str] = field(default_factory=list)


def rpc_app(seen: Seen | None = None) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    return create_service_app(
        ServiceDescription(
            name="trial",
            title="Trial",
            summary="RPC for tests.",
            version="0",
            routers=[_policy(), _trial(seen or Seen())],
            lifespan=lifespan,
            registry=CollectorRegistry(),
            max_body_bytes=MAX_BODY_BYTES,
        )
    )


def _policy() -> APIRouter:
    router = rpc_router(SERVICE, max_message_bytes=MAX_MESSAGE_BYTES)

    @router.post("/ScoreCandidates")
    async def score_candidates(request: ScoreCandidatesRequest) -> ScoreCandidatesResponse:
        """The score is the sum of a candidate's features."""
        _, width = request.candidates.shape
        values = request.candidates.values
        scores = [
            sum(values[row * width : (row + 1) * width])
            for row, allowed in enumerate(request.mask)
            if allowed
        ]
        return ScoreCandidatesResponse(
            scores=tuple(scores),
            codec_version=request.codec_version,
            model=ServedModel(name=request.model, version=3, provider="CPUExecutionProvider"),
        )

    return router


def _trial(seen: Seen) -> APIRouter:
    router = rpc_router(TRIAL, max_message_bytes=MAX_MESSAGE_BYTES, longest_s=20)

    async def transaction() -> AsyncIterator[None]:
        """Like a session of the database: it commits unless an error comes past."""
        try:
            yield
        except BaseException as error:
            seen.endings.append(f"rolled back: {type(error).__name__}")
            raise
        seen.endings.append("committed")

    within_transaction = Depends(transaction, scope="function")

    @router.post("/Fail", dependencies=[within_transaction])
    async def fail(request: FailRequest) -> WaitResponse:
        if request.code == "problem":
            raise RefusedError("It was decided before.")
        if request.code == "fields":
            wrong = FieldProblem(pointer="#/body/code", detail="is no code")
            raise InvalidError("One field is wrong.", errors=[wrong])
        if request.code == "unforeseen":
            raise ZeroDivisionError(request.text)
        if request.code == "impatient":
            raise TimeoutError(request.text)
        raise BY_WORD[request.code](request.text)

    @router.post("/Wait", dependencies=[within_transaction])
    async def wait(request: WaitRequest, deadline: RpcDeadline, http: Request) -> WaitResponse:
        try:
            await asyncio.sleep(request.seconds)
        except asyncio.CancelledError:
            seen.cancelled.set()
            raise
        remaining_ms = deadline.remaining_s * 1000
        traceparent = http.headers.get("traceparent", "")
        return WaitResponse(remaining_ms=remaining_ms, traceparent=traceparent)

    return router


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The app on a real uvicorn; gives its address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await server.accepting.wait()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listening.close()
