"""Turns exceptions into problem documents: ours, FastAPI's own, and the unforeseen."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from atmr_common.web.problems import (
    MEDIA_TYPE,
    PROBLEM_TYPE,
    FieldProblem,
    InvalidError,
    ProblemError,
)

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

log = structlog.get_logger(__name__)


def install_problem_handlers(app: FastAPI) -> None:
    """Make every non-2xx answer of `app` a problem."""
    app.add_exception_handler(ProblemError, _ours)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(Exception, _unforeseen)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)  # noqa: S101 (narrows the type)
    return _answer(error.status, error.body(_request_id(request)), error.answer_headers())


async def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (narrows the type)
    invalid = InvalidError("One or more fields are not valid.", errors=field_problems(error))
    return _answer(invalid.status, invalid.body(_request_id(request)))


def field_problems(error: RequestValidationError) -> list[FieldProblem]:
    """Each wrong field with a JSON pointer into the request."""
    return [
        FieldProblem(pointer="#/" + "/".join(map(_escape, item["loc"])), detail=item["msg"])
        for item in error.errors()
    ]


async def _framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 (narrows the type)
    if isinstance(error.__cause__, ProblemError):  # FastAPI wraps what reading a body raises
        return await _ours(request, error.__cause__)
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "_").replace("-", "_")
    body = _plain(request, error.status_code, code, phrase, str(error.detail))
    return _answer(error.status_code, body, dict(error.headers or {}))


async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    log.error("unforeseen error", exc_info=error)
    detail = "An unforeseen error occurred; the request id finds it in the logs."
    return _answer(500, _plain(request, 500, "internal_error", "Internal error", detail))


def _plain(request: Request, status: int, code: str, title: str, detail: str) -> dict[str, Any]:
    return {
        "type": PROBLEM_TYPE + code,
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": _request_id(request),
    }


def _answer(
    status: int, body: dict[str, Any], headers: dict[str, str] | None = None
) -> JSONResponse:
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


def _escape(part: object) -> str:
    """One reference token of a JSON pointer (RFC 6901)."""
    return str(part).replace("~", "~0").replace("/", "~1")


def _request_id(request: Request) -> str | None:
    return getattr(request.state, "request_id", None)
