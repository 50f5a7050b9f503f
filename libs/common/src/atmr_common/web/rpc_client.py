"""Calls RPC methods of other services: a deadline, typed errors, and the trace goes along."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from atmr_common.observability.work_context import current_traceparent
from atmr_common.web.problems import FieldProblem
from atmr_common.web.rpc_details import (
    BAD_REQUEST,
    ERROR_INFO,
    read_bad_request,
    read_error_info,
)
from atmr_common.web.rpc_errors import (
    BY_WORD,
    DeadlineExceededError,
    InternalError,
    PermissionDeniedError,
    ResourceExhaustedError,
    RpcError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
    UnknownError,
)
from atmr_common.web.rpc_reading import PROTOCOL_VERSION

OK = 200
PACKED_FROM_BYTES = 1024
MAX_ANSWER_BYTES = 16 * 1024 * 1024

OF_STATUS: dict[int, type[RpcError]] = {
    400: InternalError,
    401: UnauthenticatedError,
    403: PermissionDeniedError,
    404: UnimplementedError,
    429: UnavailableError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
}
"""What Connect makes of an answer that is no RPC error: a proxy's, or an unknown method's."""

Answer = TypeVar("Answer", bound=BaseModel)


class RpcClient:
    """One service behind an HTTP client whose base address is the server's.

    `token` gives the bearer token at each call, so that a renewed one is used at once.
    """

    def __init__(
        self, http: httpx.AsyncClient, service: str, *, token: Callable[[], str] | None = None
    ) -> None:
        self._http = http
        self._service = service
        self._token = token

    async def call(
        self, method: str, request: BaseModel, answer: type[Answer], *, timeout_s: float
    ) -> Answer:
        """Call `method` and read its answer, within `timeout_s` seconds.

        Raises:
            RpcError: the class of the code that came back; DeadlineExceededError when nothing
                came in time, UnavailableError when the server could not be reached, and
                InternalError when the answer is not what the contract says.

        """
        name = f"{self._service}/{method}"
        try:
            async with asyncio.timeout(timeout_s):
                status, headers, body = await self._exchange(name, request, timeout_s)
        except (TimeoutError, httpx.TimeoutException) as error:
            text = f"{name} did not answer within {timeout_s * 1000:.0f} ms."
            raise DeadlineExceededError(text) from error
        except httpx.TransportError as error:
            raise UnavailableError(f"{name} cannot be reached: {type(error).__name__}.") from error
        if status != OK:
            raise _error(name, status, headers, body)
        return _read(name, headers, body, answer)

    async def _exchange(
        self, name: str, request: BaseModel, timeout_s: float
    ) -> tuple[int, httpx.Headers, bytes]:
        headers, content = self._headers(timeout_s), request.model_dump_json().encode()
        if len(content) >= PACKED_FROM_BYTES:
            headers["content-encoding"] = "gzip"
            content = gzip.compress(content, compresslevel=1)
        calling = self._http.stream(
            "POST", f"/{name}", content=content, headers=headers, timeout=timeout_s
        )
        async with calling as response:
            return response.status_code, response.headers, await _bounded(name, response)

    def _headers(self, timeout_s: float) -> dict[str, str]:
        headers = {
            "content-type": "application/json",
            "accept-encoding": "identity",  # an answer cannot be a bomb
            "connect-protocol-version": PROTOCOL_VERSION,
            "connect-timeout-ms": str(math.ceil(timeout_s * 1000)),
        }
        if trace := current_traceparent():
            headers["traceparent"] = trace
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token()}"
        return headers


async def _bounded(name: str, response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise ResourceExhaustedError(f"{name} answered more than {MAX_ANSWER_BYTES:,} bytes.")
    return bytes(body)


def _read(name: str, headers: httpx.Headers, body: bytes, answer: type[Answer]) -> Answer:
    if not _is_json(headers):
        raise InternalError(f"{name} answered {headers.get('content-type')!r}, not JSON.")
    try:
        return answer.model_validate_json(body)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        where = "/".join(map(str, wrong["loc"]))
        raise InternalError(f"{name} answered against its contract: {where}: {wrong['msg']}") from (
            None
        )


def _is_json(headers: httpx.Headers) -> bool:
    media_type = str(headers.get("content-type", "")).partition(";")[0]
    return media_type.strip().lower() == "application/json"


def _error(name: str, status: int, headers: httpx.Headers, body: bytes) -> RpcError:
    """The error that an answer tells; by its status where it does not say."""
    told = _object(body) if _is_json(headers) else {}
    kind = BY_WORD.get(str(told.get("code"))) or OF_STATUS.get(status, UnknownError)
    message = told.get("message")
    if not isinstance(message, str):
        message = f"{name} answered with the status {status}."
    reason, fields = _details(told.get("details"))
    return kind(message, reason=reason, fields=fields, status=status)


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _details(told: object) -> tuple[str | None, list[FieldProblem]]:
    """The reason code and the wrong fields; details of other kinds are passed over."""
    reason, fields = None, []
    for detail in told if isinstance(told, list) else []:
        value = detail.get("value") if isinstance(detail, dict) else None
        if not isinstance(value, str):
            continue
        if detail.get("type") == ERROR_INFO:
            reason = read_error_info(value)
        elif detail.get("type") == BAD_REQUEST:
            wrong = read_bad_request(value)
            fields = [FieldProblem(pointer=pointer, detail=text) for pointer, text in wrong]
    return reason, fields
