"""Optimistic concurrency over HTTP: the version is the ETag, a change names it in If-Match."""

from __future__ import annotations

import re
from typing import Annotated, Protocol, TypeVar

from fastapi import Depends, Header, Response

from atmr_common.web.problems import FieldProblem, InvalidError, ProblemError

ENTITY_TAG = re.compile(r'(?:W/)?"?([0-9]{1,9})"?')
IfMatch = Annotated[
    str | None,
    Header(max_length=40, description="The ETag of the version that was read.", examples=['"3"']),
]


class VersionChangedError(ProblemError):
    status = 412
    code = "version_changed"
    title = "It has changed since it was read"


class VersionMissingError(ProblemError):
    status = 428
    code = "version_missing"
    title = "The version that was read must be named"


class Versioned(Protocol):
    """An answer that knows its version."""

    version: int


Answer = TypeVar("Answer", bound=Versioned)


def tagged(response: Response, answer: Answer) -> Answer:
    """`answer`, with its version as the response's ETag."""
    response.headers["ETag"] = f'"{answer.version}"'
    return answer


def require_version(present: int, seen: int | None, what: str) -> None:
    """Refuse a change of something that is not as it was seen (None: whatever it is).

    Raises:
        VersionChangedError: naming the present version.

    """
    if seen is not None and present != seen:
        raise VersionChangedError(
            f"The {what} is at version {present}, not {seen}; read it again.", version=present
        )


def seen_version(if_match: IfMatch = None) -> int | None:
    """The version in If-Match; None without one, or for `*`."""
    if if_match is None or if_match.strip() == "*":
        return None
    tag = ENTITY_TAG.fullmatch(if_match.strip())
    if tag is None:
        problem = FieldProblem(pointer="#/header/if-match", detail='is no ETag; as "3"')
        raise InvalidError("If-Match is not valid.", errors=[problem])
    return int(tag[1])


def named_version(if_match: IfMatch = None) -> int:
    """The version in If-Match, which this operation needs."""
    version = seen_version(if_match)
    if version is None:
        raise VersionMissingError("Send the ETag of what you read as If-Match.")
    return version


SeenVersion = Annotated[int | None, Depends(seen_version)]
NamedVersion = Annotated[int, Depends(named_version)]
