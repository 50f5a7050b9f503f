"""Who may call an operation, as type aliases for its parameters.

    async def list_bookings(caller: Dispatcher, ...) -> ...

The alias both refuses everybody else and hands over a `Caller` whose company is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from atmr_common.web.identity import Identity, Role
from atmr_common.web.problems import ForbiddenError, UnauthenticatedError

bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="`atmr token` prints one.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A verified caller within one company."""

    subject: str
    role: Role
    company_id: UUID


def authenticate(request: Request, credentials: Credentials) -> Identity:
    """The identity behind the request's bearer token."""
    if credentials is None:
        raise UnauthenticatedError("Send a token: `Authorization: Bearer ...`.")
    identity: Identity = request.app.state.verifier.verify(credentials.credentials)
    return identity


Authenticated = Annotated[Identity, Depends(authenticate)]


def allow(*roles: Role) -> Any:
    """A dependency that admits callers of these roles who act within a company."""

    def check(identity: Authenticated) -> Caller:
        if identity.role not in roles:
            raise ForbiddenError(f"A {identity.role} may not do this.", role=identity.role.value)
        if identity.company_id is None:
            raise ForbiddenError("This token belongs to no company.")
        return Caller(subject=identity.subject, role=identity.role, company_id=identity.company_id)

    return Depends(check)


def platform_service(identity: Authenticated) -> Identity:
    """Admits the platform's own services, which act for no single company."""
    if identity.role is not Role.SERVICE or identity.company_id is not None:
        raise ForbiddenError("Only a platform service may do this.")
    return identity


Admin = Annotated[Caller, allow(Role.ADMIN)]
Dispatcher = Annotated[Caller, allow(Role.ADMIN, Role.DISPATCHER, Role.SERVICE)]
Booker = Annotated[Caller, allow(Role.ADMIN, Role.DISPATCHER, Role.CLINIC, Role.SERVICE)]
Driver = Annotated[Caller, allow(Role.ADMIN, Role.DISPATCHER, Role.DRIVER, Role.SERVICE)]
PlatformService = Annotated[Identity, Depends(platform_service)]
