"""`Idempotency-Key`: a POST that is sent again has one effect and gets the same answer.

    router = APIRouter(prefix="/v1/bookings", route_class=IdempotentRoute)

Every POST of the router then takes the header (IETF draft-ietf-httpapi-idempotency-key-header).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from atmr_common.database.idempotency import NOBODY, AnswerStore, KeptAnswer, RepeatableRequest
from atmr_common.web.identity import Identity
from atmr_common.web.problems import ConflictError, FieldProblem, InvalidError

HEADER = "idempotency-key"
REPLAYED = "idempotency-replayed"
MAX_KEY_LENGTH = 255
CHANGES_NOTHING = {"x-changes-nothing": True}
"""`openapi_extra` of a POST that only reads: it takes no key, and nothing of it is kept."""
KEPT_HEADERS = ("content-type", "etag", "location")

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=MAX_KEY_LENGTH,
        description="Made by you, new for each change, sent again with a retry: the change"
        " happens once and the answer is the same. Kept for 48 hours.",
        examples=["0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10"],
    ),
]


class KeyReusedError(InvalidError):
    code = "idempotency_key_reused"
    title = "The key belongs to another request"


class InFlightError(ConflictError):
    code = "request_in_flight"
    title = "The same request is being executed"


class AnswerSealedError(ConflictError):
    code = "answer_not_readable"
    title = "It was done already, and its answer can no longer be read"


class AnsweredBeforeError(Exception):
    """Not an error to the client: the request was executed before, and this was the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__("answered before")
        self.response = response


class Repeatable:
    """One POST with a key: begun with the session, remembered with the effect."""

    def __init__(self, key: str, operation: str, body: bytes) -> None:
        self._key = checked_key(key)
        self._operation = operation
        self._fingerprint = hashlib.sha256(body).digest()
        self._kept_by: tuple[AnswerStore, AsyncSession, RepeatableRequest] | None = None

    async def begin(self, store: AnswerStore, session: AsyncSession, identity: Identity) -> None:
        """Look for an earlier answer.

        Raises:
            AnsweredBeforeError: with the answer that was given.
            KeyReusedError: when the key was used for something else.
            InFlightError: while another execution of the request is open.

        """
        request = RepeatableRequest(
            company_id=identity.company_id or NOBODY,
            subject=identity.subject,
            key=self._key,
            operation=self._operation,
            fingerprint=self._fingerprint,
        )
        free, earlier = await store.begin(session, request)
        if earlier is not None:
            raise AnsweredBeforeError(_replayed(request, earlier))
        if not free:
            raise InFlightError("The same request is being executed; ask again in a moment.")
        self._kept_by = (store, session, request)

    async def remember(self, response: Response) -> None:
        """Keep the answer in the transaction of its effect."""
        if self._kept_by is None:
            raise RuntimeError(f"{self._operation} has no session to keep its answer with")
        store, session, request = self._kept_by
        present = response.headers
        headers = {name: present[name] for name in KEPT_HEADERS if name in present}
        try:
            await store.keep(session, request, response.status_code, headers, bytes(response.body))
        except IntegrityError as error:  # another execution was committed since we looked
            raise InFlightError("The same request was executed at this moment.") from error


class IdempotentRoute(APIRoute):
    """A route whose POST can be sent again."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        extra = options.get("openapi_extra") or {}
        posts = "POST" in (options.get("methods") or ())
        self._repeatable = posts and not extra.get("x-changes-nothing")
        dependencies = list(options.get("dependencies") or ())
        if self._repeatable and all(each.dependency is not declare_key for each in dependencies):
            options["dependencies"] = [*dependencies, Depends(declare_key)]
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if not self._repeatable:
            return handle

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None:
                return await handle(request)
            asked = f"POST {request.url.path}?{request.url.query}"
            attempt = Repeatable(key, asked, await request.body())
            request.state.repeatable = attempt
            try:
                response = await handle(request)
            except AnsweredBeforeError as before:
                return before.response
            await attempt.remember(response)
            return response

        return once


def declare_key(idempotency_key: KeyHeader = None) -> None:
    """Puts the header into OpenAPI; the route reads it before the endpoint runs."""


def checked_key(key: str) -> str:
    """The key, if it can be one: printable ASCII, not empty, not too long.

    Raises:
        InvalidError: otherwise.

    """
    if key.isascii() and key.isprintable() and 0 < len(key.strip()) <= len(key) <= MAX_KEY_LENGTH:
        return key
    problem = FieldProblem(
        pointer="#/header/idempotency-key",
        detail=f"is no key: 1 to {MAX_KEY_LENGTH} printable ASCII characters, such as a UUID",
    )
    raise InvalidError("Idempotency-Key is not valid.", errors=[problem])


def refuse_other(request: RepeatableRequest, earlier: KeptAnswer) -> bytes:
    """The earlier answer's body, if the request is the same one.

    Raises:
        KeyReusedError: when it asks for something else.
        AnswerSealedError: when the answer can no longer be opened.

    """
    same = (request.operation, request.fingerprint) == (earlier.operation, earlier.fingerprint)
    if not same:
        raise KeyReusedError("This Idempotency-Key was used for another request; make a new one.")
    if earlier.body is None:
        raise AnswerSealedError(
            "This was done already; its answer was erased, or sealed under an older key."
        )
    return earlier.body


def _replayed(request: RepeatableRequest, earlier: KeptAnswer) -> Response:
    body = refuse_other(request, earlier)
    return Response(body, earlier.status, {**earlier.headers, REPLAYED: "true"})
