"""Who may call an operation, as type aliases for its parameters.

    async def list_bookings(caller: BookingReader, ...) -> ...

The alias refuses everybody else, names the scope in OpenAPI, and hands over a `Caller`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from atmr_common.observability.work_context import note_company
from atmr_common.web.identity import Identity, Role
from atmr_common.web.problems import ForbiddenError, UnauthenticatedError
from atmr_common.web.rate_limits import DoorLimits
from atmr_common.web.scopes import Scope
from atmr_common.web.session_cookie import SessionCookie
from atmr_common.web.tokens import TokenVerifier

bearer = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    description="A token of the issuer's; with standalone, `atmr token` prints one. Browsers that"
    " logged in at /auth/login send a session cookie instead.",
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A verified caller within one company."""

    subject: str
    role: Role
    company_id: UUID


async def authenticate(request: Request, credentials: Credentials) -> Identity:
    """The identity behind the request, within the limits of the door (`app.state.limits`).

    Raises:
        UnauthenticatedError: for a request without a valid token.
        RateLimitedError: when its company, or its address without one, asks too much.

    """
    limits: DoorLimits | None = getattr(request.app.state, "limits", None)
    try:
        identity = await _identity(request, credentials)
    except UnauthenticatedError:
        if limits is not None:
            await limits.count_failure(request.scope)
        raise
    if limits is not None:
        await limits.admit(request.scope, identity)
    return identity


async def _identity(request: Request, credentials: Credentials) -> Identity:
    """The identity behind the request's bearer token, or else behind its session cookie."""
    identity = await _identity_behind(request, credentials)
    note_company(identity.company_id)
    return identity


async def _identity_behind(request: Request, credentials: Credentials) -> Identity:
    verifier: TokenVerifier = request.app.state.verifier
    if credentials is not None:
        return await verifier.authenticate(credentials.credentials)
    session: SessionCookie | None = getattr(request.app.state, "session", None)
    token = session.token(request.cookies) if session else None
    if session is None or token is None:
        raise UnauthenticatedError("Send a token: `Authorization: Bearer ...`.")
    session.require_same_origin(request.method, request.headers)
    return await verifier.authenticate(token)


Authenticated = Annotated[Identity, Depends(authenticate)]


def allow(*roles: Role, scope: Scope) -> Any:
    """A dependency that admits callers of these roles and this scope, within a company."""

    async def check(identity: Authenticated) -> Caller:
        return caller_within(identity, roles, scope)

    return Security(check, scopes=[scope.value])


def caller_within(identity: Identity, roles: tuple[Role, ...], scope: Scope) -> Caller:
    """The caller, if role and token allow it; for doors that are no FastAPI endpoints, too.

    Raises:
        ForbiddenError: for another role, a token without the scope, or one of no company.

    """
    if identity.role not in roles:
        raise ForbiddenError(f"A {identity.role} may not do this.", role=identity.role.value)
    require_scope(identity, scope)
    if identity.company_id is None:
        raise ForbiddenError("This token belongs to no company.")
    return Caller(subject=identity.subject, role=identity.role, company_id=identity.company_id)


def require_scope(identity: Identity, scope: Scope) -> None:
    if scope not in identity.granted:
        raise ForbiddenError(f"This token lacks the scope {scope}.", scope=scope.value)


def service_with(scope: Scope) -> Any:
    """A dependency that admits services with this scope, of the platform or of a company."""

    async def check(identity: Authenticated) -> Identity:
        if identity.role is not Role.SERVICE:
            raise ForbiddenError("Only a service may do this.", role=identity.role.value)
        require_scope(identity, scope)
        return identity

    return Security(check, scopes=[scope.value])


def _platform_service(scope: Scope) -> Callable[..., Any]:
    async def check(identity: Authenticated) -> Identity:
        if identity.role is not Role.SERVICE or identity.company_id is not None:
            raise ForbiddenError("Only a platform service may do this.")
        require_scope(identity, scope)
        return identity

    return check


ADMINS = (Role.ADMIN,)
DISPATCHERS = (Role.ADMIN, Role.DISPATCHER, Role.SERVICE)
BOOKERS = (*DISPATCHERS, Role.CLINIC)
CREWS = (*DISPATCHERS, Role.DRIVER)
MEMBERS = (*BOOKERS, Role.DRIVER)

PlatformService = Annotated[
    Identity,
    Security(_platform_service(Scope.COMPANIES_MANAGE), scopes=[Scope.COMPANIES_MANAGE.value]),
]
CompanyReader = Annotated[Caller, allow(*DISPATCHERS, scope=Scope.COMPANY_READ)]
CompanyAdmin = Annotated[Caller, allow(*ADMINS, scope=Scope.COMPANY_ADMIN)]
PatientReader = Annotated[Caller, allow(*BOOKERS, scope=Scope.PATIENTS_READ)]
PatientViewer = Annotated[Caller, allow(*MEMBERS, scope=Scope.PATIENTS_READ)]
PatientWriter = Annotated[Caller, allow(*BOOKERS, scope=Scope.PATIENTS_WRITE)]
PatientEraser = Annotated[Caller, allow(*DISPATCHERS, scope=Scope.PATIENTS_ERASE)]
PatientAuditor = Annotated[Caller, allow(*ADMINS, scope=Scope.PATIENTS_AUDIT)]
PlaceReader = Annotated[Caller, allow(*BOOKERS, scope=Scope.PLACES_READ)]
PlaceViewer = Annotated[Caller, allow(*MEMBERS, scope=Scope.PLACES_READ)]
PlaceWriter = Annotated[Caller, allow(*BOOKERS, scope=Scope.PLACES_WRITE)]
PinMover = Annotated[Caller, allow(*CREWS, scope=Scope.PLACES_PIN)]
FleetReader = Annotated[Caller, allow(*DISPATCHERS, scope=Scope.FLEET_READ)]
FleetWriter = Annotated[Caller, allow(*DISPATCHERS, scope=Scope.FLEET_WRITE)]
BookingReader = Annotated[Caller, allow(*BOOKERS, scope=Scope.BOOKINGS_READ)]
BookingWriter = Annotated[Caller, allow(*BOOKERS, scope=Scope.BOOKINGS_WRITE)]
BookingDispatcher = Annotated[Caller, allow(*DISPATCHERS, scope=Scope.BOOKINGS_WRITE)]
TripReporter = Annotated[Caller, allow(*CREWS, scope=Scope.TRIPS_REPORT)]
DispatchReader = Annotated[Caller, allow(*DISPATCHERS, scope=Scope.DISPATCH_READ)]
DispatchRunner = Annotated[Caller, allow(*DISPATCHERS, scope=Scope.DISPATCH_RUN)]
PlanReader = Annotated[Caller, allow(*DISPATCHERS, scope=Scope.PLANS_READ)]
PlanWriter = Annotated[Caller, allow(*DISPATCHERS, scope=Scope.PLANS_WRITE)]
