"""Login of a browser at the issuer: OpenID Connect's code flow with PKCE (RFC 9700).

What must survive the way to the issuer and back lies in a sealed cookie, so that any replica can
receive the browser again; nothing is stored here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
import structlog

from atmr_common.runtime.clock import Clock
from atmr_common.web.bounded_fetch import FetchError, fetch_json
from atmr_common.web.discovery import IssuerDiscovery
from atmr_common.web.problems import (
    InvalidError,
    ProblemError,
    UnauthenticatedError,
    UnavailableError,
)
from atmr_common.web.session_cookie import SessionCookie
from atmr_common.web.tokens import TokenVerifier

PURPOSE = "login"
LOGIN_TIME = timedelta(minutes=10)
MAX_NEXT_LENGTH = 1_000
START_AGAIN = "begin again at /auth/login"

log = structlog.get_logger(__name__)


class LoginFailedError(ProblemError):
    """The browser came back with something that proves no login."""

    status = 401
    code = "login_failed"
    title = "The login did not succeed"
    headers: ClassVar[dict[str, str]] = {"Cache-Control": "no-store"}


@dataclass(frozen=True, kw_only=True)
class LoginClient:
    """What this service is to the issuer; without a secret it is a public client."""

    client_id: str
    secret_file: Path | None
    scope: str
    redirect_uri: str

    def secret(self) -> str | None:
        """Read for each login, so that a new secret needs no restart."""
        if self.secret_file is None:
            return None
        try:
            return self.secret_file.read_text().strip()
        except (OSError, ValueError) as error:
            raise UnavailableError("ATMR_AUTH_CLIENT_SECRET_FILE cannot be read.") from error


@dataclass(frozen=True, kw_only=True)
class Departure:
    """Where the browser is sent, and the cookie that it brings back."""

    url: str
    cookie: str


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A login that succeeded: the session's cookie, how long it lasts, and where to go on."""

    cookie: str
    lifetime_s: int
    next: str


class Login:
    """Sends browsers to the issuer, and receives them again."""

    def __init__(
        self,
        *,
        client: LoginClient,
        session: SessionCookie,
        verifier: TokenVerifier,
        discovery: IssuerDiscovery,
        http: httpx.AsyncClient,
        clock: Clock,
    ) -> None:
        self.session = session
        self.cookie_name = session.named("atmr-login")
        self._client = client
        self._verifier = verifier
        self._discovery = discovery
        self._http = http
        self._clock = clock

    async def depart(self, then: str) -> Departure:
        """The way to the issuer; `then` is the path of ours where the browser goes afterwards.

        Raises:
            InvalidError: for a `then` that could leave this service.
            UnavailableError: where the issuer cannot be asked.

        """
        require_local(then)
        try:
            endpoints = await self._discovery.endpoints()
        except FetchError as error:
            log.warning("login not possible", reason=str(error))
            raise UnavailableError("The token issuer does not answer; try again.") from error
        state, nonce, proof = (secrets.token_urlsafe(32) for _ in range(3))
        asked = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": self._client.redirect_uri,
            "scope": self._client.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge_of(proof),
            "code_challenge_method": "S256",
        }
        until = (self._clock.now() + LOGIN_TIME).timestamp()
        kept = {"state": state, "nonce": nonce, "proof": proof, "next": then, "until": until}
        cookie = self.session.seal.seal(PURPOSE, json.dumps(kept).encode())
        url = str(httpx.URL(endpoints.authorization).copy_merge_params(asked))
        return Departure(url=url, cookie=cookie)

    async def arrive(self, *, code: str, state: str, cookie: str | None) -> Arrival:
        """The session of a browser that comes back with a `code`.

        Raises:
            LoginFailedError: where it proves no login that this browser began.
            UnavailableError: where the issuer cannot be asked.

        """
        kept = self._kept(state, cookie)
        tokens = await self._exchange(code, kept["proof"])
        await self._check_identity(tokens, kept["nonce"])
        access_token = str(tokens["access_token"])
        expires = self._verifier.claims(access_token, audience=self._verifier.audience)["exp"]
        try:
            value = self.session.value(access_token)
        except ValueError as error:
            raise LoginFailedError(f"The issuer's token does not fit: {error}.") from error
        lifetime_s = max(0, int(expires - self._clock.now().timestamp()))
        return Arrival(cookie=value, lifetime_s=lifetime_s, next=kept["next"])

    def _kept(self, state: str, cookie: str | None) -> dict[str, Any]:
        content = self.session.seal.open(PURPOSE, cookie) if cookie else None
        if content is None:
            raise LoginFailedError(f"This browser began no login here: {START_AGAIN}.")
        kept: dict[str, Any] = json.loads(content)
        if not hmac.compare_digest(kept["state"].encode(), state.encode()):
            raise LoginFailedError(f"The answer belongs to another login: {START_AGAIN}.")
        if self._clock.now().timestamp() >= kept["until"]:
            raise LoginFailedError(f"The login took too long: {START_AGAIN}.")
        return kept

    async def _exchange(self, code: str, proof: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect_uri,
            "client_id": self._client.client_id,
            "code_verifier": proof,
        }
        secret = self._client.secret()
        how: dict[str, Any] = {"data": form}
        if secret is not None:
            how["auth"] = httpx.BasicAuth(self._client.client_id, secret)
        try:
            url = (await self._discovery.endpoints()).token
            answer = await fetch_json(self._http, url, method="POST", **how)
        except FetchError as error:
            log.warning("login failed", reason=str(error))
            if error.status is not None and error.status < 500:  # noqa: PLR2004 (the issuer's own)
                raise LoginFailedError(f"The issuer did not accept it: {START_AGAIN}.") from error
            raise UnavailableError("The token issuer does not answer; try again.") from error
        if not isinstance(answer.get("access_token"), str):
            raise LoginFailedError("The issuer gave no access token.")
        return answer

    async def _check_identity(self, tokens: dict[str, Any], nonce: str) -> None:
        """The id token answers this very login, and both tokens mean the same person."""
        try:
            caller = await self._verifier.authenticate(tokens["access_token"])
            claims = self._verifier.claims(
                str(tokens.get("id_token")), audience=self._client.client_id
            )
        except UnauthenticatedError as error:
            raise LoginFailedError("The issuer's tokens are not for this service.") from error
        party = claims.get("azp", self._client.client_id)
        if (
            not hmac.compare_digest(str(claims.get("nonce")).encode(), nonce.encode())
            or party != self._client.client_id
            or claims["sub"] != caller.subject
        ):
            raise LoginFailedError(f"The issuer's answer belongs to another login: {START_AGAIN}.")


def challenge_of(proof: str) -> str:
    """The PKCE challenge of a code verifier (RFC 7636, S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(proof.encode()).digest()).decode().rstrip("=")


def require_local(path: str) -> None:
    """InvalidError unless `path` stays on this service in every browser."""
    local = (
        path.startswith("/")
        and not path.startswith("//")
        and "\\" not in path
        and path.isascii()
        and path.isprintable()
        and " " not in path
        and len(path) <= MAX_NEXT_LENGTH
    )
    if not local:
        raise InvalidError("next must be a path of this service, such as /docs.")
