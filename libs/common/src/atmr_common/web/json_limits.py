"""Refuses JSON that parsers read differently, or only with a deep stack (pure ASGI).

Nesting is bounded before anything is parsed. Names that stand twice, NaN, infinities and halves of
surrogate pairs have no meaning that everybody shares (RFC 8259, RFC 7493), so they are refused
too. What is simply no JSON is left to the framework, which points at it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

from atmr_common.web.problems import ProblemError
from atmr_common.web.received_body import read_body, received_again

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

DEEPEST = 32
"""Arrays and objects within each other; no message of ours needs ten."""
TOKENS = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?|[\[\]{}]', re.DOTALL)
"""A string, ended or not, or a bracket; possessive, so that hostile quotes cost linear time."""
OPENING, CLOSING = frozenset(b"[{"), frozenset(b"]}")
GZIP = b"\x1f\x8b"
"""How gzip begins, and no JSON: who unpacks it has to check it. Any other body is read as it is."""


class UnreadableJsonError(ProblemError):
    status = 400
    code = "json_unreadable"
    title = "The JSON cannot be read in one way only"


class LimitJson:
    """Answers 400 to JSON that is too deep or ambiguous."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_json(scope):
            await self._app(scope, receive, send)
            return
        try:
            messages, body = await read_body(receive)
            if body is not None and not (_is_encoded(scope) and body.startswith(GZIP)):
                check_json(body)
        except ProblemError as problem:  # whoever reads the body words it, as a problem or for RPC
            await self._app(scope, _refusing(problem), send)
            return
        await self._app(scope, received_again(messages, receive), send)


def check_json(body: bytes) -> None:
    """Refuse what readers could take differently; what is no JSON passes.

    Raises:
        UnreadableJsonError: naming what is wrong.

    """
    if body.count(b"[") + body.count(b"{") > DEEPEST and _depth(body) > DEEPEST:
        raise UnreadableJsonError(f"Arrays and objects may be nested {DEEPEST} deep, not deeper.")
    try:
        value = json.loads(body, object_pairs_hook=_unambiguous, parse_constant=_refuse_constant)
        if b"\\u" in body:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise UnreadableJsonError("A text holds half of a surrogate pair; send UTF-8.") from error
    except ValueError:  # the framework says where
        return


def _depth(body: bytes) -> int:
    """How deep it goes, at most one more than is allowed."""
    depth = deepest = 0
    for token in TOKENS.finditer(body):
        first = body[token.start()]
        if first in OPENING:
            depth += 1
            deepest = max(deepest, depth)
            if deepest > DEEPEST:
                break
        elif first in CLOSING:
            depth -= 1
    return deepest


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise UnreadableJsonError("A name stands twice in one object; send it once.")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise UnreadableJsonError(f"{name} is no number of JSON; leave the field out, or send null.")


def _is_json(scope: Scope) -> bool:
    kind = dict(scope["headers"]).get(b"content-type", b"").partition(b";")[0].lower()
    return b"json" in kind


def _is_encoded(scope: Scope) -> bool:
    return any(name == b"content-encoding" for name, _ in scope["headers"])


def _refusing(problem: ProblemError) -> Receive:
    async def refuse() -> Message:
        raise problem

    return refuse
