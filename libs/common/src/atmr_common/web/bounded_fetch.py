"""Asks another server for a JSON document, within a time and a size that it cannot exceed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

MAX_BYTES = 256_000
TIMEOUT_S = 5.0


class FetchError(Exception):
    """The document could not be had; the message names where, and never what was sent.

    `status` is what the other server answered, where it answered.
    """

    def __init__(self, reason: str, *, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


async def fetch_json(
    client: httpx.AsyncClient,
    url: str,
    *,
    method: str = "GET",
    timeout_s: float = TIMEOUT_S,
    **request: Any,
) -> dict[str, Any]:
    """The JSON object at `url`; redirects are not followed.

    Raises:
        FetchError: for no answer in time, another status than 200, too long or no JSON object.

    """
    where = f"{method} {httpx.URL(url).copy_with(query=None, userinfo=b'')}"
    try:
        async with asyncio.timeout(timeout_s):
            status, body = await _answer(client, method, url, request)
    except TimeoutError:
        raise FetchError(f"{where} did not answer within {timeout_s:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise FetchError(f"{where} failed ({type(error).__name__})") from error
    if status != httpx.codes.OK:
        raise FetchError(f"{where} answered {status}", status=status)
    if len(body) > MAX_BYTES:
        raise FetchError(f"{where} answered more than {MAX_BYTES:,} bytes")
    return _object(body, where)


async def _answer(
    client: httpx.AsyncClient, method: str, url: str, request: dict[str, Any]
) -> tuple[int, bytes]:
    # Nothing compressed is asked for or unpacked, so that a small answer cannot become a large one.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    body = bytearray()
    async with client.stream(
        method, url, headers=headers, follow_redirects=False, **request
    ) as answer:
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise httpx.DecodingError("a compressed answer")
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > MAX_BYTES:
                break
        return answer.status_code, bytes(body)


def _object(body: bytes, where: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise FetchError(f"{where} answered no JSON") from None
    if not isinstance(document, dict):
        raise FetchError(f"{where} answered no JSON object")
    return document
