"""HTTP door of logging in and out, and of asking who one is.

The answers to the browser's own steps are not part of the OpenAPI: people come here, not programs.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import httpx
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from atmr_common.web.access import Authenticated
from atmr_common.web.discovery import LOOPBACK
from atmr_common.web.identity import Role
from atmr_common.web.login import LOGIN_TIME, Login, LoginFailedError
from atmr_common.web.problems import NotFoundError, responses

router = APIRouter(prefix="/auth", tags=["identity"])
MAX_TEXT = 2_000
Text = Annotated[str | None, Query(max_length=MAX_TEXT)]
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
SEE_OTHER = 303


class WhoAmI(BaseModel):
    """The caller as the service knows it."""

    subject: str = Field(examples=["m.favre"])
    role: Role = Field(examples=["dispatcher"])
    company_id: UUID | None = Field(examples=["0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10"])
    scopes: list[str] = Field(examples=[["bookings:read", "bookings:write"]])


def login_of(request: Request) -> Login:
    """The login of this service; a problem where none is set up."""
    login: Login | None = getattr(request.app.state, "login", None)
    if login is None:
        raise NotFoundError("No login is set up here; send a token instead (ATMR_AUTH_CLIENT_ID).")
    return login


LoginDep = Annotated[Login, Depends(login_of)]


@router.get("/login", include_in_schema=False)
async def begin_login(
    request: Request, login: LoginDep, then: Annotated[str, Query(alias="next")] = "/auth/me"
) -> Response:
    """Send the browser to the issuer."""
    if _is_other_name_of_this_machine(request, login):  # the issuer would not bring the cookie back
        again = httpx.URL(f"{login.session.origin}/auth/login", params={"next": then})
        return RedirectResponse(str(again), SEE_OTHER, headers=PRIVATE)
    departure = await login.depart(then)
    answer = RedirectResponse(departure.url, SEE_OTHER, headers=PRIVATE)
    _set(answer, login, login.cookie_name, departure.cookie, int(LOGIN_TIME.total_seconds()))
    return answer


@router.get("/callback", include_in_schema=False)
async def finish_login(
    request: Request, login: LoginDep, code: Text = None, state: Text = None, error: Text = None
) -> Response:
    """Receive the browser from the issuer; from here on its cookie is its session."""
    if error is not None or code is None or state is None:
        raise LoginFailedError("The issuer did not let you in; begin again at /auth/login.")
    cookie = request.cookies.get(login.cookie_name)
    arrival = await login.arrive(code=code, state=state, cookie=cookie)
    answer = RedirectResponse(arrival.next, SEE_OTHER, headers=PRIVATE)
    _set(answer, login, login.session.name, arrival.cookie, arrival.lifetime_s)
    _set(answer, login, login.cookie_name, "", 0)
    return answer


@router.post("/logout", include_in_schema=False, status_code=204)
async def log_out(request: Request, login: LoginDep) -> Response:
    """Forget the session in this browser."""
    login.session.require_same_origin("POST", request.headers)
    answer = Response(status_code=204, headers=PRIVATE)
    _set(answer, login, login.session.name, "", 0)
    return answer


@router.get("/me", operation_id="who_am_i", responses=responses(401, 403))
async def who_am_i(caller: Authenticated, response: Response) -> WhoAmI:
    """Who the token or the session means, and what it may be used for."""
    response.headers.update(PRIVATE)
    return WhoAmI(
        subject=caller.subject,
        role=caller.role,
        company_id=caller.company_id,
        scopes=sorted(scope.value for scope in caller.granted),
    )


def _is_other_name_of_this_machine(request: Request, login: Login) -> bool:
    """Whether the browser came to localhost, and the public URL says 127.0.0.1 (or so)."""
    public, asked = httpx.URL(login.session.origin), request.url
    return {public.host, asked.hostname} <= LOOPBACK and public.host != asked.hostname


def _set(answer: Response, login: Login, name: str, value: str, lifetime_s: int) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=lifetime_s,
        path="/",
        secure=login.session.secure,
        httponly=True,
        samesite="lax",
    )
