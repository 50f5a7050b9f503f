"""The development issuer's own door: as much of OpenID Connect as a login with a code needs.

It speaks to browsers in HTML and to clients as RFC 6749 says, so its errors are no problems.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from prometheus_client import CollectorRegistry

from atmr_common.web.service_app import ServiceDescription, create_service_app
from atmr_common.web.tokens import DEVELOPMENT_ISSUER
from standalone.issuer.authorization import (
    Asked,
    ChoiceError,
    RefusedError,
    asked_of,
    grant_of,
)
from standalone.issuer.codes import Codes, Grant
from standalone.issuer.page import choice_page, error_page
from standalone.issuer.signing import ALGORITHM, DevelopmentIssuer

__all__ = ["IssuerDoor", "create_issuer_app"]

MAX_BODY_BYTES = 20_000
MAX_FIELDS = 30
SEE_OTHER = 303
PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline';"
    " frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
SECRET = {"Cache-Control": "no-store"}


@dataclass(frozen=True, kw_only=True)
class IssuerDoor:
    """What the door needs; `companies` tells names by id, as they are when it is asked."""

    issuer: DevelopmentIssuer
    codes: Codes
    url: str
    audience: str
    lifetime: timedelta
    redirect_uris: frozenset[str]
    companies: Callable[[], Mapping[str, str]]

    def authorize(self, parameters: Mapping[str, str]) -> Response:
        """The page with the choice, for a client that may ask."""
        asked = asked_of(parameters, self.redirect_uris)
        if asked.error is not None:
            return _redirect(asked.back(error=asked.error))
        return _page(choice_page(asked.values, self.companies()))

    def choose(self, form: Mapping[str, str]) -> Response:
        """The way back to the client, with a code for what was chosen."""
        asked = asked_of(form, self.redirect_uris)
        if asked.error is not None:
            return _redirect(asked.back(error=asked.error))
        try:
            grant = grant_of(asked, form)
        except ChoiceError as error:
            return self._again(asked, str(error))
        return _redirect(asked.back(code=self.codes.give(grant)))

    def exchange(self, form: Mapping[str, str]) -> Response:
        """Tokens for a code."""
        if form.get("grant_type") != "authorization_code":
            return _refusal("unsupported_grant_type")
        grant = self.codes.take(
            form.get("code", ""),
            client_id=form.get("client_id", ""),
            redirect_uri=form.get("redirect_uri", ""),
            proof=form.get("code_verifier", ""),
        )
        if grant is None:
            return _refusal("invalid_grant")
        return JSONResponse(self._tokens(grant), headers=SECRET)

    def document(self) -> dict[str, Any]:
        """The issuer's openid-configuration."""
        return {
            "issuer": DEVELOPMENT_ISSUER,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "scopes_supported": ["openid"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
        }

    def _again(self, asked: Asked, mistake: str) -> Response:
        return _page(choice_page(asked.values, self.companies(), mistake=mistake), 422)

    def _tokens(self, grant: Grant) -> dict[str, Any]:
        access_token = self.issuer.issue(
            subject=grant.subject,
            role=grant.role,
            company_id=grant.company_id,
            audience=self.audience,
            lifetime=self.lifetime,
        )
        id_token = self.issuer.sign(
            {"nonce": grant.nonce} if grant.nonce else {},
            subject=grant.subject,
            audience=grant.client_id,
            lifetime=self.lifetime,
        )
        return {
            "access_token": access_token,
            "id_token": id_token,
            "token_type": "Bearer",
            "expires_in": int(self.lifetime.total_seconds()),
        }


def create_issuer_app(door: IssuerDoor) -> FastAPI:
    """The ASGI application of the development issuer."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    description = ServiceDescription(
        name="issuer",
        title="ATMR development issuer",
        summary="Issues tokens that only this standalone trusts.",
        version=version("atmr-standalone"),
        routers=[_router(door)],
        lifespan=lifespan,
        registry=CollectorRegistry(),
        max_body_bytes=MAX_BODY_BYTES,
    )
    return create_service_app(description)


def _router(door: IssuerDoor) -> APIRouter:
    router = APIRouter(tags=["issuer"])

    @router.get("/.well-known/openid-configuration")
    async def openid_configuration() -> dict[str, Any]:
        """What this issuer can do, and where."""
        return door.document()

    @router.get("/jwks")
    async def jwks() -> dict[str, Any]:
        """The public key."""
        return door.issuer.jwks()

    @router.get("/authorize", response_class=HTMLResponse)
    async def authorize(request: Request) -> Response:
        """Where a developer chooses who to be."""
        return _or_refused(door.authorize, request.query_params)

    @router.post("/authorize", response_class=HTMLResponse)
    async def choose(request: Request) -> Response:
        """Takes the choice, and sends the browser back."""
        return _or_refused(door.choose, await _form(request))

    @router.post("/token")
    async def token(request: Request) -> Response:
        """Tokens for a code."""
        return door.exchange(await _form(request))

    return router


def _or_refused(
    answer: Callable[[Mapping[str, str]], Response], parameters: Mapping[str, str]
) -> Response:
    try:
        return answer(parameters)
    except RefusedError as error:
        return _page(error_page(str(error)), 400)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form; what is no form has none."""
    try:
        text = (await request.body()).decode()
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        return {}


def _page(html: str, status: int = 200) -> Response:
    return HTMLResponse(html, status, headers=PAGE_HEADERS)


def _redirect(url: str) -> Response:
    return RedirectResponse(url, SEE_OTHER, headers=SECRET)


def _refusal(error: str) -> Response:
    return JSONResponse({"error": error}, 400, headers=SECRET)
