"""Refuses a name that stands twice in one object of a request: the fast parser keeps the last one.

A proxy that reads the first of two would judge another request than the one that is computed.
"""

from __future__ import annotations

from typing import Any

from atmr_common.web.json_limits import UnreadableJsonError, check_json
from rl_inference.errors import InvalidInputError

LONG_BODY = 4096


def check_names(body: bytes | bytearray, length: int, value: dict[str, Any]) -> None:
    """Compare the JSON in the first `length` bytes with the `value` that was read.

    Every name has a colon. With as many colons as names that were read none is lost; where there
    are more, as in texts, a slower parser looks.

    Raises:
        InvalidInputError: when a name stands twice.

    """
    if _has_colons(body, length, _names(value)):
        return
    try:
        check_json(bytes(body[:length]))
    except UnreadableJsonError as error:
        raise InvalidInputError(f"the request cannot be read in one way: {error}") from error


def _has_colons(body: bytes | bytearray, length: int, count: int) -> bool:
    """Whether there are exactly so many; few are found faster in a long body than counted."""
    if length < LONG_BODY:
        return body.count(b":", 0, length) == count
    place = -1
    for _ in range(count):
        place = body.find(b":", place + 1, length)
    return body.find(b":", place + 1, length) == -1


def _names(head: dict[str, Any]) -> int:
    """Names where a request has them; of others there are fewer than colons."""
    count = len(head) + _parameters(head)
    for field in ("inputs", "outputs"):
        entries = head.get(field)
        if type(entries) is list:
            for entry in entries:
                if type(entry) is dict:
                    count += len(entry) + _parameters(entry)
    return count


def _parameters(entry: dict[str, Any]) -> int:
    parameters = entry.get("parameters")
    return len(parameters) if type(parameters) is dict else 0
