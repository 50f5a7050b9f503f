"""What the doors answer to errors of the data plane: statuses, codes of RPC and `Retry-After`."""

from __future__ import annotations

from math import ceil

import orjson

from atmr_common.web.rpc_errors import (
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    RpcError,
    UnavailableError,
)
from rl_inference.doors.content_encoding import TooLargeInputError, UnknownEncodingError
from rl_inference.doors.http_answer import JSON, HttpAnswer
from rl_inference.errors import (
    ComputationError,
    DataPlaneError,
    ExpiredError,
    InvalidInputError,
    NotReadyError,
    OverloadedError,
    UnknownModelError,
)

STATUSES: dict[type[Exception], int] = {
    TooLargeInputError: 413,
    UnknownEncodingError: 415,
    InvalidInputError: 400,
    UnknownModelError: 404,
    NotReadyError: 503,
    OverloadedError: 429,
    ExpiredError: 504,
    ComputationError: 500,
}
RPC: dict[type[Exception], type[RpcError]] = {
    InvalidInputError: InvalidArgumentError,
    UnknownModelError: NotFoundError,
    NotReadyError: UnavailableError,
    OverloadedError: ResourceExhaustedError,
    ExpiredError: DeadlineExceededError,
    ComputationError: InternalError,
}
UNFORESEEN = "An unforeseen error occurred; the request id finds it in the logs."
UNKNOWN_MODEL = "Request for unknown model"
"""Triton's words: its clients compare them."""
NOT_READY_RETRY_S = 2


def status_of(error: DataPlaneError) -> int:
    """The status for the error, or for the nearest of its bases."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)


def message_of(error: DataPlaneError) -> str:
    """What the client is told."""
    message = str(error)
    if isinstance(error, UnknownModelError) and not message.startswith(UNKNOWN_MODEL):
        return f"{UNKNOWN_MODEL}: {message}"
    return message


def retry_headers(error: DataPlaneError) -> dict[str, str]:
    """`Retry-After` in whole seconds, where coming back makes sense."""
    if isinstance(error, OverloadedError):
        return {"retry-after": str(max(1, ceil(error.retry_after_s)))}
    return {"retry-after": str(NOT_READY_RETRY_S)} if isinstance(error, NotReadyError) else {}


def protocol_error(status: int, message: str, headers: dict[str, str] | None = None) -> HttpAnswer:
    """An error in the form of the Open Inference Protocol."""
    return HttpAnswer.of(status, orjson.dumps({"error": message}), JSON, headers)


def protocol_answer(error: DataPlaneError) -> HttpAnswer:
    """The error in the form of the Open Inference Protocol."""
    return protocol_error(status_of(error), message_of(error), retry_headers(error))


def rpc_error(error: DataPlaneError) -> RpcError:
    """The error in the words of RPC."""
    kind = next((RPC[kind] for kind in type(error).__mro__ if kind in RPC), InternalError)
    return kind(message_of(error), headers=retry_headers(error))
