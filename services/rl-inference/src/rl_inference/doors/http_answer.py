"""An answer as it goes over the wire, the same for the ordinary and for the hot way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = "application/json"
OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status, headers in their order with names in lower case, and body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @classmethod
    def of(
        cls, status: int, body: bytes, media_type: str, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """An answer with its length and type."""
        written = [
            (b"content-length", b"%d" % len(body)),
            (b"content-type", media_type.encode()),
        ]
        if headers:
            written += [(name.encode(), value.encode()) for name, value in headers.items()]
        return cls(status, written, body)

    def response(self) -> Response:
        """The answer for the framework."""
        response = Response(self.body, self.status)
        response.raw_headers = list(self.headers)
        return response
