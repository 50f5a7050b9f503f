"""Keyset pagination with opaque cursors: stable under inserts, no counting, bounded pages."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Annotated, Generic, Protocol, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from atmr_common.web.problems import FieldProblem, InvalidError

MAX_PAGE = 500


class HasId(Protocol):
    """Anything with an id that sorts by time (UUIDv7)."""

    @property
    def id(self) -> UUID: ...


Item = TypeVar("Item")
Identified = TypeVar("Identified", bound=HasId)
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Items per page.")]
CursorText = Annotated[
    str | None, Query(max_length=500, description="`next_cursor` of the page before.")
]


class Page(BaseModel, Generic[Item]):
    """A page of a list; `next_cursor` is null on the last one."""

    items: list[Item]
    next_cursor: str | None = Field(None, examples=["WyIwMTkzYjA4MiJd"])


def encode_cursor(*keys: str) -> str:
    """An opaque cursor for the sort keys of the last item of a page."""
    return base64.urlsafe_b64encode(json.dumps(keys).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, keys: int) -> tuple[str, ...] | None:
    """The sort keys that `cursor` holds; None for the first page.

    Raises:
        InvalidError: for a cursor that this API did not make.

    """
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, binascii.Error, UnicodeError) as error:
        raise _invalid() from error
    if not (
        isinstance(values, list)
        and len(values) == keys
        and all(isinstance(value, str) for value in values)
    ):
        raise _invalid()
    return tuple(values)


def decode_id_cursor(cursor: str | None) -> UUID | None:
    """The id that the page before ended with; None for the first page.

    Raises:
        InvalidError: for a cursor that this API did not make.

    """
    keys = decode_cursor(cursor, 1)
    try:
        return UUID(keys[0]) if keys else None
    except ValueError as error:
        raise _invalid() from error


def page_by_id(items: Sequence[Identified], limit: int) -> Page[Identified]:
    """A page of `items`, of which one more than `limit` was asked to see whether more follow."""
    page = list(items[:limit])
    following = encode_cursor(str(page[-1].id)) if len(items) > limit else None
    return Page(items=page, next_cursor=following)


def _invalid() -> InvalidError:
    field = FieldProblem(pointer="#/query/cursor", detail="not a cursor of this list")
    return InvalidError("The cursor is not valid; start again without one.", errors=[field])
