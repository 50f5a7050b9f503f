"""What an issuer says about itself (OpenID Connect Discovery 1.0), kept for an hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import structlog

from atmr_common.runtime.clock import Clock
from atmr_common.web.bounded_fetch import FetchError, fetch_json

KEEP = timedelta(hours=1)
WELL_KNOWN = "/.well-known/openid-configuration"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class IssuerEndpoints:
    """The parts of the issuer's document that are used here, as URLs."""

    authorization: str
    token: str
    jwks: str


class IssuerDiscovery:
    """Reads the document at `url`, which must be the one of `issuer`."""

    def __init__(self, *, issuer: str, url: str, client: httpx.AsyncClient, clock: Clock) -> None:
        self._issuer = issuer
        self._url = url
        self._client = client
        self._clock = clock
        self._known: tuple[datetime, IssuerEndpoints] | None = None

    async def endpoints(self) -> IssuerEndpoints:
        """The issuer's endpoints; where it cannot be asked again, those that it named last.

        Raises:
            FetchError: where they never could be had.

        """
        now = self._clock.now()
        if self._known is not None and now - self._known[0] < KEEP:
            return self._known[1]
        try:
            endpoints = _endpoints(await fetch_json(self._client, self._url), self._issuer)
        except FetchError as error:
            if self._known is None:
                raise
            log.warning("issuer's document not read, the last one is used", reason=str(error))
            return self._known[1]
        self._known = (now, endpoints)
        return endpoints


def well_known(issuer: str) -> str:
    """Where an issuer that is a URL keeps its document."""
    return issuer.rstrip("/") + WELL_KNOWN


def is_safe(url: str) -> bool:
    """Whether what is sent there cannot be read on the way: https, or this machine itself."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return bool(parsed.host) and (
        parsed.scheme == "https" or (parsed.scheme == "http" and parsed.host in LOOPBACK)
    )


def _endpoints(document: dict[str, Any], issuer: str) -> IssuerEndpoints:
    if document.get("issuer") != issuer:
        raise FetchError(f"the issuer's document is not that of {issuer}")
    return IssuerEndpoints(
        authorization=_url(document, "authorization_endpoint"),
        token=_url(document, "token_endpoint"),
        jwks=_url(document, "jwks_uri"),
    )


def _url(document: dict[str, Any], name: str) -> str:
    url = document.get(name)
    if not isinstance(url, str) or not is_safe(url):
        raise FetchError(f"the issuer's document names no https URL as {name}")
    return url
