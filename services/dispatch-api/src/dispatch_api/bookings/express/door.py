"""The express path of `POST /v1/bookings`: in front of the application, past its framework.

It answers 201 or nothing. Whatever is not a plain booking by a bearer token goes on, body and all,
to the usual path, so that every other answer is that path's own.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import orjson
from pydantic import ValidationError

from atmr_common.database.group_commit import GroupCommit, NotWritingError, OutcomeUnknownError
from atmr_common.database.idempotency import RepeatableRequest
from atmr_common.observability.work_context import current_traceparent, note_company
from atmr_common.web.access import DISPATCHERS, Caller, caller_within
from atmr_common.web.idempotency import HEADER, checked_key
from atmr_common.web.problems import MEDIA_TYPE, ProblemError, UnavailableError
from atmr_common.web.rate_limits import ANSWER_HEADERS
from atmr_common.web.received_body import read_body, received_again
from atmr_common.web.scopes import Scope
from dispatch_api.bookings.express.orders import PATH, Accepted, Order
from dispatch_api.bookings.schemas import NewBooking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Send
    from starlette.types import Scope as HttpScope

    from atmr_common.web.rate_limits import DoorLimits
    from atmr_common.web.tokens import TokenVerifier

MOST_BYTES = 16_384
NEEDED = (b"authorization", b"content-length", b"content-type")
ONCE = frozenset({*NEEDED, HEADER.encode()})
SPACED = re.compile(rb'"\s+:')
NUL = b"\\u0000"
UNKNOWN = "The database was lost while the booking was committed: ask whether it is there."


class _Route:
    """What metrics call a request that took this path."""

    path = PATH


class BookingExpress:
    """ASGI middleware; `group` writes the orders."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        group: GroupCommit[Order, Accepted | None],
        verifier: TokenVerifier,
        limits: DoorLimits | None,
    ) -> None:
        self._app = app
        self._group = group
        self._verifier = verifier
        self._limits = limits

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        suits = scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == PATH
        headers = _single(scope) if suits and self._group.writing else None
        caller = self._caller(headers) if headers else None
        if headers is None or caller is None or not self._admitted(scope, caller):
            await self._app(scope, receive, send)
            return
        messages, body = await read_body(receive)
        order = _order(scope, headers, caller, body) if body is not None else None
        if order is None or not await self._booked(order, scope, send):
            await self._app(scope, received_again(messages, receive), send)

    def _caller(self, headers: dict[bytes, bytes]) -> Caller | None:
        """The caller, if the token is good for booking; a clinic, which sees less, is not."""
        kind, _, token = headers[b"authorization"].partition(b" ")
        if kind.lower() != b"bearer":
            return None
        try:
            identity = self._verifier.verify(token.decode("latin-1"))
            caller = caller_within(identity, DISPATCHERS, Scope.BOOKINGS_WRITE)
        except ProblemError:
            return None
        note_company(caller.company_id)
        return caller

    def _admitted(self, scope: HttpScope, caller: Caller) -> bool:
        if self._limits is None:
            return True
        taken = self._limits.try_admit(caller.company_id)
        if taken is None or not taken.allowed:
            return False
        scope.setdefault("state", {})[ANSWER_HEADERS] = self._limits.headers(taken)
        return True

    async def _booked(self, order: Order, scope: HttpScope, send: Send) -> bool:
        """Whether the order was answered."""
        try:
            accepted = await self._group.submit(order)
        except NotWritingError:
            return False
        except OutcomeUnknownError:
            await _refuse(UnavailableError(UNKNOWN), scope, send)
            return True
        if accepted is None:
            return False
        scope["route"] = _Route
        await _answer(send, 201, accepted.headers, accepted.answer)
        return True


def _single(scope: HttpScope) -> dict[bytes, bytes] | None:
    """The headers by name, if the body is JSON of a known, small size and none of it is double."""
    headers = dict(scope["headers"])
    if any(name not in headers for name in NEEDED) or b"transfer-encoding" in headers:
        return None
    if sum(name in ONCE for name, _ in scope["headers"]) != sum(name in headers for name in ONCE):
        return None
    length, kind = headers[b"content-length"], headers[b"content-type"].partition(b";")[0]
    small = length.isdigit() and int(length) <= MOST_BYTES
    return headers if small and kind.strip().lower() == b"application/json" else None


def _order(
    scope: HttpScope, headers: dict[bytes, bytes], caller: Caller, body: bytes
) -> Order | None:
    try:
        new = NewBooking.model_validate_json(body)
        repeatable = _repeatable(scope, headers, caller, body)
    except (ValidationError, ProblemError):
        return None
    storable = NUL not in body  # else the whole batch would be refused
    if new.linked_booking_id is not None or not storable or not _unambiguous(body, new):
        return None
    return Order(caller=caller, new=new, repeatable=repeatable, traceparent=current_traceparent())


def _unambiguous(body: bytes, new: NewBooking) -> bool:
    """Whether each name stands once; counted, since a name that is double shows as one."""
    return body.count(b'":') == len(new.model_fields_set) and not SPACED.search(body)


def _repeatable(
    scope: HttpScope, headers: dict[bytes, bytes], caller: Caller, body: bytes
) -> RepeatableRequest | None:
    key = headers.get(HEADER.encode())
    if key is None:
        return None
    return RepeatableRequest(
        company_id=caller.company_id,
        subject=caller.subject,
        key=checked_key(key.decode("latin-1")),
        operation=f"POST {PATH}?{scope['query_string'].decode('latin-1')}",
        fingerprint=hashlib.sha256(body).digest(),
    )


async def _refuse(problem: ProblemError, scope: HttpScope, send: Send) -> None:
    scope["route"] = _Route
    document = problem.body(scope.get("state", {}).get("request_id"))
    headers = {"content-type": MEDIA_TYPE, **problem.answer_headers()}
    await _answer(send, problem.status, headers, orjson.dumps(document))


async def _answer(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    named = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    named.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": named})
    await send({"type": "http.response.body", "body": body})
