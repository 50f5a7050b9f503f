"""Errors of RPC after the Connect protocol: what a method raises, its client raises too.

There is one class per code, named like it; `RpcError` is the base of all sixteen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from atmr_common.web.problems import FieldProblem, ProblemError
from atmr_common.web.rpc_details import bad_request, error_info


class RpcCode(Enum):
    """The codes of Connect, each with the status that carries it."""

    CANCELED = ("canceled", 499)
    UNKNOWN = ("unknown", 500)
    INVALID_ARGUMENT = ("invalid_argument", 400)
    DEADLINE_EXCEEDED = ("deadline_exceeded", 504)
    NOT_FOUND = ("not_found", 404)
    ALREADY_EXISTS = ("already_exists", 409)
    PERMISSION_DENIED = ("permission_denied", 403)
    RESOURCE_EXHAUSTED = ("resource_exhausted", 429)
    FAILED_PRECONDITION = ("failed_precondition", 400)
    ABORTED = ("aborted", 409)
    OUT_OF_RANGE = ("out_of_range", 400)
    UNIMPLEMENTED = ("unimplemented", 501)
    INTERNAL = ("internal", 500)
    UNAVAILABLE = ("unavailable", 503)
    DATA_LOSS = ("data_loss", 500)
    UNAUTHENTICATED = ("unauthenticated", 401)

    def __init__(self, word: str, status: int) -> None:
        self.word = word
        self.status = status


class RpcDetail(BaseModel):
    """A protobuf message of `google.rpc`: base64 without padding, and the same in JSON."""

    type: str = Field(examples=["google.rpc.BadRequest"])
    value: str
    debug: dict[str, Any] | None = None


class RpcErrorBody(BaseModel):
    """What stands in the body of every RPC answer that is not a success."""

    code: str = Field(examples=["invalid_argument"])
    message: str = Field(examples=["mask has 2 entries for 3 candidates"])
    details: list[RpcDetail] = []


class RpcError(Exception):
    """Base of the errors of an RPC.

    `reason` is the domain's code, `fields` point at what is wrong in the request, and `headers`
    go with the answer.
    """

    code: ClassVar[RpcCode] = RpcCode.UNKNOWN

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        fields: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.fields = tuple(fields)
        self.headers = dict(headers or {})
        self.status = status or self.code.status

    def body(self) -> dict[str, Any]:
        """The error as Connect writes it."""
        details = []
        if self.fields:
            details.append(bad_request([(each.pointer, each.detail) for each in self.fields]))
        if self.reason:
            details.append(error_info(self.reason))
        return {"code": self.code.word, "message": self.message} | (
            {"details": details} if details else {}
        )


class CanceledError(RpcError):
    code = RpcCode.CANCELED


class UnknownError(RpcError):
    code = RpcCode.UNKNOWN


class InvalidArgumentError(RpcError):
    code = RpcCode.INVALID_ARGUMENT


class DeadlineExceededError(RpcError):
    code = RpcCode.DEADLINE_EXCEEDED


class NotFoundError(RpcError):
    code = RpcCode.NOT_FOUND


class AlreadyExistsError(RpcError):
    code = RpcCode.ALREADY_EXISTS


class PermissionDeniedError(RpcError):
    code = RpcCode.PERMISSION_DENIED


class ResourceExhaustedError(RpcError):
    code = RpcCode.RESOURCE_EXHAUSTED


class FailedPreconditionError(RpcError):
    code = RpcCode.FAILED_PRECONDITION


class AbortedError(RpcError):
    code = RpcCode.ABORTED


class OutOfRangeError(RpcError):
    code = RpcCode.OUT_OF_RANGE


class UnimplementedError(RpcError):
    code = RpcCode.UNIMPLEMENTED


class InternalError(RpcError):
    code = RpcCode.INTERNAL


class UnavailableError(RpcError):
    code = RpcCode.UNAVAILABLE


class DataLossError(RpcError):
    code = RpcCode.DATA_LOSS


class UnauthenticatedError(RpcError):
    code = RpcCode.UNAUTHENTICATED


BY_WORD: dict[str, type[RpcError]] = {kind.code.word: kind for kind in RpcError.__subclasses__()}

OF_PROBLEM: dict[int, type[RpcError]] = {
    400: InvalidArgumentError,
    401: UnauthenticatedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: AbortedError,
    412: FailedPreconditionError,
    413: ResourceExhaustedError,
    422: InvalidArgumentError,
    428: FailedPreconditionError,
    429: ResourceExhaustedError,
    501: UnimplementedError,
    503: UnavailableError,
    504: DeadlineExceededError,
}
"""Which RPC error a problem of this status becomes; what is not named is internal."""


def of_problem(problem: ProblemError) -> RpcError:
    """The same refusal in the words of RPC, with its reason code as a detail."""
    kind = OF_PROBLEM.get(problem.status, InternalError)
    return kind(
        problem.detail, reason=problem.code, fields=problem.errors, headers=problem.answer_headers()
    )
