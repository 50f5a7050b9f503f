"""RPC as unary Connect over HTTP: `POST /package.Service/Method`, JSON in and out.

Methods are FastAPI routes, so they stand in OpenAPI and take dependencies; an error leaves the
route as an exception, so that a transaction it holds is rolled back.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from atmr_common.web.json_limits import check_json
from atmr_common.web.problem_handlers import field_problems
from atmr_common.web.problems import ProblemError
from atmr_common.web.rpc_errors import (
    OF_PROBLEM,
    CanceledError,
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    RpcCode,
    RpcError,
    RpcErrorBody,
    of_problem,
)
from atmr_common.web.rpc_reading import (
    UNSUPPORTED_MEDIA_TYPE,
    check_protocol,
    decoded,
    timeout_s,
)

if TYPE_CHECKING:
    from starlette.types import Scope

log = structlog.get_logger(__name__)

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
LONGEST_S = 30.0

Answer = Callable[[Request], Coroutine[Any, Any, Response]]


class Deadline:
    """Until when an answer is of use; what it needs from others has to come before."""

    def __init__(self, ends_at: float, now: Callable[[], float]) -> None:
        self._ends_at = ends_at
        self._now = now

    @property
    def remaining_s(self) -> float:
        """Seconds left; never below zero."""
        return max(0.0, self._ends_at - self._now())


class ConnectRoute(APIRoute):
    """A route that speaks Connect: headers, gzip and deadline in, errors of RPC out."""

    max_message_bytes: ClassVar[int] = MAX_MESSAGE_BYTES
    longest_s: ClassVar[float] = LONGEST_S

    def get_route_handler(self) -> Answer:
        """What FastAPI would answer, within the deadline, with errors in the words of RPC."""
        if not inspect.iscoroutinefunction(self.endpoint):
            raise TypeError(f"{self.path} must be an `async def`: a thread cannot be cancelled")
        answer = super().get_route_handler()

        async def answer_in_time(request: Request) -> Response:
            try:
                check_protocol(request.headers)
                within = timeout_s(request.headers, self.longest_s)
                return await self._answer(answer, request, within)
            except RpcError:
                raise
            except Exception as error:
                raise _told(error) from error

        return answer_in_time

    async def _answer(self, answer: Answer, request: Request, within_s: float) -> Response:
        clock = asyncio.get_running_loop().time
        deadline = Deadline(clock() + within_s, clock)
        try:
            async with asyncio.timeout(within_s) as limit:
                message = await _UnpackedRequest.of(request, self.max_message_bytes)
                message.state.rpc_deadline = deadline
                return await answer(message)
        except TimeoutError as error:
            if not limit.expired():  # something else that the method waited for
                raise
            raise DeadlineExceededError(
                f"The answer was not ready within {within_s * 1000:.0f} ms."
            ) from error


class _UnpackedRequest(Request):
    """The request with its body read and unpacked."""

    @classmethod
    async def of(cls, request: Request, max_bytes: int) -> _UnpackedRequest:
        unpacked = cls(_without_encoding(request.scope), request.receive)
        encoding = request.headers.get("content-encoding")
        body = await request.body()
        unpacked._body = decoded(body, encoding, max_bytes)
        if unpacked._body is not body:  # `LimitJson` saw it packed
            check_json(unpacked._body)
        return unpacked


def _without_encoding(scope: Scope) -> Scope:
    """The same scope; only what describes the packed body is gone."""
    packed = {b"content-encoding", b"content-length"}
    kept = [(name, value) for name, value in scope["headers"] if name not in packed]
    return {**scope, "headers": kept}


def rpc_router(
    service: str, *, max_message_bytes: int = MAX_MESSAGE_BYTES, longest_s: float = LONGEST_S
) -> APIRouter:
    """A router for the methods of `service`, as `atmr.policy.v1.PolicyService`.

    A method is `@router.post("/Method")` over an `async def` from one message to another. A
    message may hold `max_message_bytes` when unpacked, and a call without a deadline has
    `longest_s` seconds.
    """
    limits = {"max_message_bytes": max_message_bytes, "longest_s": longest_s}
    route_class: type[ConnectRoute] = type("LimitedConnectRoute", (ConnectRoute,), limits)
    return APIRouter(
        prefix=f"/{service}",
        tags=[service],
        route_class=route_class,
        responses=dict.fromkeys(_STATUSES, _ANSWER) | {"default": _ANSWER},
    )


_ANSWER: dict[str, Any] = {"model": RpcErrorBody, "description": "An error of Connect"}
_STATUSES = sorted(
    ({code.status for code in RpcCode} - {RpcCode.CANCELED.status}) | {UNSUPPORTED_MEDIA_TYPE}
)


def install_rpc_errors(app: FastAPI) -> None:
    """Let `app` answer with the errors of its RPC methods."""
    app.add_exception_handler(RpcError, _error_answer)


async def _error_answer(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RpcError)  # noqa: S101 (narrows the type)
    return JSONResponse(error.body(), error.status, error.headers)


def _told(error: Exception) -> RpcError:
    """What a caller is told of an error that is not RPC's own."""
    if isinstance(error, ProblemError):
        return of_problem(error)
    if isinstance(error, RequestValidationError):
        fields = field_problems(error)
        message = "; ".join(f"{each.pointer}: {each.detail}" for each in fields[:3])
        return InvalidArgumentError(message, reason="invalid", fields=fields)
    if isinstance(error, HTTPException):
        if isinstance(error.__cause__, ProblemError):
            return of_problem(error.__cause__)
        return OF_PROBLEM.get(error.status_code, InternalError)(str(error.detail))
    if isinstance(error, ClientDisconnect):
        return CanceledError("The client went away.")
    log.error("unforeseen error", exc_info=error)
    return InternalError("An unforeseen error occurred; the request id finds it in the logs.")


def _deadline(request: Request) -> Deadline:
    deadline: Deadline = request.state.rpc_deadline
    return deadline


RpcDeadline = Annotated[Deadline, Depends(_deadline)]
"""The deadline of the call, as a method's parameter."""
