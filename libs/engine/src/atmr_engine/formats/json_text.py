"""A file that holds one JSON object; whatever else it holds is an error with its remedy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from atmr_engine.formats.instance_text import InstanceError, read_text

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 64_000_000


def read_object(path: Path, remedy: str, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """The object that a file holds.

    Raises:
        InstanceError: naming file, line and `remedy` where there is none.

    """
    try:
        document = json.loads(read_text(path, most_bytes), object_pairs_hook=_once_each)
    except _DoubledError as error:
        message = f"names the field {error} twice in one object"
        raise InstanceError(path, None, message, "keep one") from None
    except json.JSONDecodeError as error:
        raise InstanceError(path, error.lineno, f"is no JSON ({error.msg})", remedy) from None
    except (RecursionError, ValueError) as error:
        if isinstance(error, InstanceError):
            raise
        raise InstanceError(path, None, "is no JSON that can be read", remedy) from None
    if not isinstance(document, dict):
        raise InstanceError(path, None, "is no JSON object", remedy)
    return document


class _DoubledError(Exception):
    """Of two fields of one name a reader would pass one over."""


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise _DoubledError(repr(next(name for name in names if names.count(name) > 1))[:40])
    return fields
