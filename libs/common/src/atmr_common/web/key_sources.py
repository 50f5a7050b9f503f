"""Where an issuer's keys come from: handed in, a file, a URL, or the URL that the issuer names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import httpx

from atmr_common.web.bounded_fetch import MAX_BYTES, FetchError, fetch_json
from atmr_common.web.discovery import IssuerDiscovery


class KeySource(Protocol):
    """Reads a JSON Web Key Set.

    `interval_s`: seconds after which it is worth asking again; `pause_s`: how soon at the earliest
    when a token names a key that nobody knows.
    """

    interval_s: float
    pause_s: float

    async def read(self) -> object:
        """The key set as JSON. Raises FetchError with the reason in one sentence."""
        ...


class GivenKeys:
    """Keys that the process was handed; they never change."""

    interval_s = 3600.0
    pause_s = 3600.0

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def read_now(self) -> object:
        return self._document

    async def read(self) -> object:
        return self.read_now()


class FileKeys:
    """A key set in a file, which whoever rotates the keys replaces."""

    interval_s = 5.0
    pause_s = 1.0

    def __init__(self, path: Path) -> None:
        self._path = path

    def read_now(self) -> object:
        """The same without waiting, for the start of a process."""
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise FetchError(f"{self._path} is longer than {MAX_BYTES:,} bytes")
            return json.loads(content)
        except OSError as error:
            raise FetchError(f"{self._path} cannot be read ({error.strerror})") from error
        except (ValueError, RecursionError):
            raise FetchError(f"{self._path} holds no JSON") from None

    async def read(self) -> object:
        return self.read_now()


class UrlKeys:
    """A key set at a URL of the issuer's."""

    interval_s = 300.0
    pause_s = 10.0

    def __init__(self, url: str, client: httpx.AsyncClient, *, timeout_s: float = 5.0) -> None:
        self._url = url
        self._client = client
        self._timeout_s = timeout_s

    async def read(self) -> object:
        return await fetch_json(self._client, self._url, timeout_s=self._timeout_s)


class DiscoveredKeys:
    """A key set at the URL that the issuer's own document names."""

    interval_s = UrlKeys.interval_s
    pause_s = UrlKeys.pause_s

    def __init__(self, discovery: IssuerDiscovery, client: httpx.AsyncClient) -> None:
        self._discovery = discovery
        self._client = client

    async def read(self) -> object:
        endpoints = await self._discovery.endpoints()
        return await fetch_json(self._client, endpoints.jwks)
