"""Builds what a service's door needs to know its callers, from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from atmr_common.runtime.clock import Clock, SystemClock
from atmr_common.runtime.service_process import ConfigurationError
from atmr_common.runtime.settings import DoorSettings, LoginSettings
from atmr_common.web.bounded_fetch import TIMEOUT_S, FetchError
from atmr_common.web.discovery import IssuerDiscovery, is_safe, well_known
from atmr_common.web.key_ring import KeyRing
from atmr_common.web.key_sources import DiscoveredKeys, FileKeys, GivenKeys, KeySource, UrlKeys
from atmr_common.web.login import Login, LoginClient
from atmr_common.web.sealed_cookies import read_seal
from atmr_common.web.session_cookie import SessionCookie
from atmr_common.web.tokens import DEVELOPMENT_ISSUER, TokenVerifier


@dataclass(frozen=True, kw_only=True)
class IdentityParts:
    """`login` is None where no client of the issuer is configured."""

    verifier: TokenVerifier
    login: Login | None
    client: httpx.AsyncClient

    @property
    def session(self) -> SessionCookie | None:
        return self.login.session if self.login else None

    def install(self, app: FastAPI) -> None:
        """Let the operations of `app` know their callers."""
        app.state.verifier = self.verifier
        app.state.login = self.login
        app.state.session = self.session

    async def aclose(self) -> None:
        await self.client.aclose()


def build_identity(
    settings: DoorSettings,
    *,
    registry: CollectorRegistry,
    jwks: dict[str, Any] | None = None,
    client: httpx.AsyncClient | None = None,
    clock: Clock | None = None,
) -> IdentityParts:
    """Verifier and login of a service.

    `jwks`: the keys of the development issuer, which only the process that holds it can hand over.

    Raises:
        ConfigurationError: naming the setting that is wrong or missing.

    """
    clock = clock or SystemClock()  # the issuer's tokens are on real time, whatever day is replayed
    issuer = _issuer(settings, handed_over=jwks is not None)
    client = client or httpx.AsyncClient(timeout=TIMEOUT_S)
    discovery = _discovery(settings, issuer, client, clock)
    source = GivenKeys(jwks) if jwks is not None else _source(settings, discovery, client)
    ring = KeyRing(source, clock, registry=registry)
    _take_what_is_here(ring, source)
    verifier = TokenVerifier(
        issuer=issuer,
        audience=settings.auth_audience,
        keys=ring,
        algorithms=settings.auth_algorithms.split(","),
        clock=clock,
    )
    login = None
    if isinstance(settings, LoginSettings):
        login = _login(settings, verifier, discovery, client, clock)
    return IdentityParts(verifier=verifier, login=login, client=client)


def _issuer(settings: DoorSettings, *, handed_over: bool) -> str:
    issuer = settings.auth_issuer
    if handed_over:
        return issuer or DEVELOPMENT_ISSUER
    if not issuer:
        raise ConfigurationError("Set ATMR_AUTH_ISSUER to the issuer whose tokens are accepted.")
    if issuer == DEVELOPMENT_ISSUER:
        raise ConfigurationError(
            "ATMR_AUTH_ISSUER names the development issuer, which exists in standalone only:"
            " set it to the issuer whose tokens are accepted."
        )
    return issuer


def _discovery(
    settings: DoorSettings, issuer: str, client: httpx.AsyncClient, clock: Clock
) -> IssuerDiscovery | None:
    url = str(settings.auth_discovery_url) if settings.auth_discovery_url else None
    if url is None and issuer.startswith("https://"):
        url = well_known(issuer)
    if url is None:
        return None
    return IssuerDiscovery(issuer=issuer, url=url, client=client, clock=clock)


def _source(
    settings: DoorSettings, discovery: IssuerDiscovery | None, client: httpx.AsyncClient
) -> KeySource:
    if settings.auth_jwks_file is not None:
        return FileKeys(settings.auth_jwks_file)
    if settings.auth_jwks_url is not None:
        return UrlKeys(str(settings.auth_jwks_url), client)
    if discovery is not None:
        return DiscoveredKeys(discovery, client)
    raise ConfigurationError(
        "Set ATMR_AUTH_JWKS_FILE or ATMR_AUTH_JWKS_URL to the issuer's JSON Web Key Set;"
        " only an issuer that is an https URL can be asked for it."
    )


def _take_what_is_here(ring: KeyRing, source: KeySource) -> None:
    """Keys that need no other server are there from the first request, or the start fails."""
    try:
        if isinstance(source, GivenKeys | FileKeys):
            ring.take(source.read_now())
    except (FetchError, ValueError) as error:
        raise ConfigurationError(f"ATMR_AUTH_JWKS_FILE cannot be used: {error}.") from error


def _login(
    settings: LoginSettings,
    verifier: TokenVerifier,
    discovery: IssuerDiscovery | None,
    client: httpx.AsyncClient,
    clock: Clock,
) -> Login | None:
    if settings.auth_client_id is None:
        return None
    if discovery is None:
        raise ConfigurationError(
            "Login needs the issuer's document: set ATMR_AUTH_DISCOVERY_URL, or an ATMR_AUTH_ISSUER"
            " that is an https URL."
        )
    if settings.public_url is None or settings.auth_session_key_file is None:
        raise ConfigurationError(
            "With ATMR_AUTH_CLIENT_ID, set ATMR_PUBLIC_URL and ATMR_AUTH_SESSION_KEY_FILE too."
        )
    url = str(settings.public_url).rstrip("/")
    if not is_safe(url) or settings.public_url.path not in {None, "/"}:
        raise ConfigurationError(
            "ATMR_PUBLIC_URL must be https://host without a path (http on this machine only)."
        )
    return Login(
        client=LoginClient(
            client_id=settings.auth_client_id,
            secret_file=settings.auth_client_secret_file,
            scope=settings.auth_login_scope,
            redirect_uri=f"{url}/auth/callback",
        ),
        session=SessionCookie(read_seal(settings.auth_session_key_file), public_url=url),
        verifier=verifier,
        discovery=discovery,
        http=client,
        clock=clock,
    )
