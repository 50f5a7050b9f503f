"""Reads what a Connect request says about itself, free of any web framework.

Hot routes that are taken out of the framework read their headers here too.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from atmr_common.web.rpc_errors import (
    InvalidArgumentError,
    ResourceExhaustedError,
    UnimplementedError,
    UnknownError,
)

PROTOCOL_VERSION = "1"
TIMEOUT_DIGITS = 10
LONGEST_SHOWN = 32
GZIP = 16 + zlib.MAX_WBITS
UNSUPPORTED_MEDIA_TYPE = 415


def check_protocol(headers: Mapping[str, str]) -> None:
    """Refuse what is no unary JSON request of Connect 1; `headers` have names in lower case.

    Raises:
        UnknownError: for another content type, with the status 415.
        InvalidArgumentError: for another version of the protocol.

    """
    media_type, _, parameters = headers.get("content-type", "").lower().partition(";")
    charset = parameters.strip().removeprefix("charset=").strip('"')
    if media_type.strip() != "application/json" or charset not in {"", "utf-8"}:
        raise UnknownError(
            "Send the message as `Content-Type: application/json` (in UTF-8).",
            status=UNSUPPORTED_MEDIA_TYPE,
            headers={"Accept-Post": "application/json"},
        )
    version = headers.get("connect-protocol-version", PROTOCOL_VERSION)
    if version != PROTOCOL_VERSION:
        raise InvalidArgumentError(
            f"Connect-Protocol-Version must be 1, not {version[:LONGEST_SHOWN]!r}."
        )


def timeout_s(headers: Mapping[str, str], longest_s: float) -> float:
    """The seconds until the answer has to be there: `Connect-Timeout-Ms`, at most `longest_s`.

    Raises:
        InvalidArgumentError: when the header is not 1 to 10 digits.

    """
    told = headers.get("connect-timeout-ms")
    if told is None:
        return longest_s
    if not (told.isascii() and told.isdigit() and len(told) <= TIMEOUT_DIGITS):
        raise InvalidArgumentError("Connect-Timeout-Ms must be 1 to 10 digits.")
    return min(int(told) / 1000, longest_s)


def decoded(body: bytes, encoding: str | None, max_bytes: int) -> bytes:
    """The message itself, which may hold `max_bytes` however small it was packed.

    Raises:
        UnimplementedError: for an encoding other than gzip.
        InvalidArgumentError: when it is no whole gzip member.
        ResourceExhaustedError: when it is larger.

    """
    if encoding in {None, "", "identity"}:
        if len(body) > max_bytes:
            raise ResourceExhaustedError(f"A message may hold {max_bytes:,} bytes.")
        return body
    if encoding != "gzip":
        raise UnimplementedError(
            "This content encoding is not known; send gzip or identity.",
            headers={"Accept-Encoding": "gzip, identity"},
        )
    unpacking = zlib.decompressobj(GZIP)
    try:
        message = unpacking.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise InvalidArgumentError("The body is not gzip.") from error
    if len(message) > max_bytes:
        raise ResourceExhaustedError(f"A message may hold {max_bytes:,} bytes when unpacked.")
    if not unpacking.eof or unpacking.unused_data:
        raise InvalidArgumentError("The body is not one whole gzip member.")
    return message
