"""Every answer that is not a success is an RFC 9457 problem with a stable reason code.

ProblemError            status, code, title; detail and extra members per case
├── InvalidError        422  with a pointer per field
├── NotFoundError       404
├── ConflictError       409
├── ForbiddenError      403
└── UnauthenticatedError 401
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

PROBLEM_TYPE = "https://atmr-dispatch.dev/problems/"
MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """One wrong field: a JSON pointer into the request, and what is wrong there."""

    pointer: str = Field(examples=["#/body/pickup/earliest"])
    detail: str = Field(examples=["the window closes before it opens"])


class Problem(BaseModel):
    """RFC 9457 problem details; `code` is the reason that programs compare."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=[PROBLEM_TYPE + "not_found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    code: str = Field(examples=["not_found"])
    detail: str = Field(examples=["There is no booking 0193…"])
    request_id: str | None = None
    errors: list[FieldProblem] = []


class ProblemError(Exception):
    """Base of everything that a door answers with a problem."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    headers: ClassVar[dict[str, str]] = {}

    def __init__(
        self, detail: str, *, errors: list[FieldProblem] | None = None, **extra: Any
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors or []
        self.extra = extra

    def answer_headers(self) -> dict[str, str]:
        """The headers of the answer; a kind of problem may know more of them than its class."""
        return self.headers

    def body(self, request_id: str | None) -> dict[str, Any]:
        """The problem document."""
        problem = Problem(
            type=PROBLEM_TYPE + self.code,
            title=self.title,
            status=self.status,
            code=self.code,
            detail=self.detail,
            request_id=request_id,
            errors=self.errors,
            **self.extra,
        )
        return problem.model_dump(mode="json", exclude_defaults=True)


class InvalidError(ProblemError):
    status = 422
    code = "invalid"
    title = "The request is not valid"


class NotFoundError(ProblemError):
    status = 404
    code = "not_found"
    title = "Not found"


class ConflictError(ProblemError):
    status = 409
    code = "conflict"
    title = "The request conflicts with the present state"


class ForbiddenError(ProblemError):
    status = 403
    code = "forbidden"
    title = "Not allowed"


class UnauthenticatedError(ProblemError):
    status = 401
    code = "unauthenticated"
    title = "No valid token"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class UnavailableError(ProblemError):
    status = 503
    code = "unavailable"
    title = "A part that the answer needs is not available"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "2"}


class TooLargeError(ProblemError):
    status = 413
    code = "body_too_large"
    title = "The body is too large"


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses` for the problems that an operation can answer."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    names = {
        400: "The request cannot be read",
        401: "No valid token",
        403: "Not allowed",
        404: "Not found",
        409: "The request conflicts with the present state",
        412: "It has changed since it was read",
        413: "The body is too large",
        422: "The request is not valid",
        428: "The version that was read must be named",
        429: "Too many requests, or a quota of the company is used up",
        503: "A part that the answer needs is not available",
    }
    return {status: {"description": names[status], "content": content} for status in statuses}
