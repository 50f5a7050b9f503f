"""Refuses a name that stands twice in one object of a request: the fast parser keeps the last one.

A proxy that reads the first of two would judge another request than the one that is computed.
"""

from __future__ import annotations

from typing import Any

from atmr_common.web.json_limits import UnreadableJsonError, check_json
from rl_inference.errors import InvalidInputError


def check_names(body: bytes | bytearray, length: int, value: dict[str, Any]) -> None:
    """Compare the JSON in the first `length` bytes with the `value` that was read.

    Every name has a colon. With as many colons as names that were read none is lost; where there
    are more, as in texts, a slower parser looks.

    Raises:
        InvalidInputError: when a name stands twice.

    """
    if body.count(b":", 0, length) == names_in(value):
        return
    try:
        check_json(bytes(body[:length]))
    except UnreadableJsonError as error:
        raise InvalidInputError(f"the request cannot be read in one way: {error}") from error


def names_in(value: Any) -> int:
    """Names in objects, and in lists that begin with one, however deep."""
    names, left = 0, [value]
    while left:
        found = left.pop()
        if type(found) is dict:
            names += len(found)
            left += found.values()
        elif type(found) is list and found and type(found[0]) is dict:
            left += found
    return names
