"""Errors on /v2 in the form of the Open Inference Protocol: `{"error": "..."}`, with a status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route

from atmr_common.web.problem_handlers import field_problems
from atmr_common.web.problems import ProblemError
from rl_inference.doors.error_answers import UNFORESEEN, protocol_answer, protocol_error
from rl_inference.errors import DataPlaneError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from starlette.types import Receive, Scope, Send

    from rl_inference.doors.http_answer import HttpAnswer

log = structlog.get_logger(__name__)

LONGEST_PATH = 200
"""Characters of a path that are repeated in an answer."""


class OpenInferenceRoute(APIRoute):
    """A route whose errors, those of its dependencies too, are worded for the protocol."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What FastAPI would answer, or the error."""
        answer = super().get_route_handler()

        async def answer_in_protocol(request: Request) -> Response:
            try:
                return await answer(request)
            except Exception as error:  # noqa: BLE001 (each is told, the unforeseen ones logged)
                return told(error).response()

        return answer_in_protocol


def told(error: Exception) -> HttpAnswer:
    """What a client is told of an error."""
    if isinstance(error, DataPlaneError):
        return protocol_answer(error)
    if isinstance(error, ClientDisconnect):
        return protocol_error(400, "the client went away")
    if isinstance(error, HTTPException) and isinstance(error.__cause__, ProblemError):
        error = error.__cause__
    if isinstance(error, ProblemError):
        return protocol_error(error.status, error.detail, error.answer_headers())
    if isinstance(error, RequestValidationError):
        fields = field_problems(error)
        message = "; ".join(f"{each.pointer}: {each.detail}" for each in fields[:3])
        return protocol_error(400, message)
    if isinstance(error, HTTPException):
        return protocol_error(error.status_code, str(error.detail), dict(error.headers or {}))
    log.error("unforeseen error", exc_info=error)
    return protocol_error(500, UNFORESEEN)


def add_unknown_paths(router: APIRouter) -> None:
    """Answer every other path and method below /v2 in the protocol's form; call it last."""
    unknown = UnknownPath([route for route in router.routes if isinstance(route, APIRoute)])
    for path in ("/v2", "/v2/{path:path}"):
        router.routes.append(Route(path, unknown, include_in_schema=False))


class UnknownPath:
    """An ASGI application, as a function would be a route for GET alone."""

    def __init__(self, known: Sequence[APIRoute]) -> None:
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        words = ", ".join(sorted(self._allowed(scope)))
        path = scope["path"][:LONGEST_PATH]
        if words:
            answer = protocol_error(405, f"use {words}", {"allow": words})
        else:
            answer = protocol_error(404, f"{scope['method']} {path} is unknown")
        await answer.response()(scope, receive, send)

    def _allowed(self, scope: Scope) -> set[str]:
        return {
            method
            for route in self._known
            if route.matches(scope)[0] is not Match.NONE
            for method in route.methods or ()
        }
