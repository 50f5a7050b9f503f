"""What a token may be used for; each role has its scopes, and a token may carry fewer of them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from atmr_common.web.identity import Role


class Scope(StrEnum):
    """One kind of use; every operation of an API names the ones that it needs."""

    COMPANIES_MANAGE = "companies:manage"
    COMPANY_READ = "company:read"
    COMPANY_ADMIN = "company:admin"
    PATIENTS_READ = "patients:read"
    PATIENTS_WRITE = "patients:write"
    PATIENTS_ERASE = "patients:erase"
    PATIENTS_AUDIT = "patients:audit"
    PLACES_READ = "places:read"
    PLACES_WRITE = "places:write"
    PLACES_PIN = "places:pin"
    FLEET_READ = "fleet:read"
    FLEET_WRITE = "fleet:write"
    BOOKINGS_READ = "bookings:read"
    BOOKINGS_WRITE = "bookings:write"
    TRIPS_REPORT = "trips:report"
    DISPATCH_READ = "dispatch:read"
    DISPATCH_RUN = "dispatch:run"
    PLANS_READ = "plans:read"
    PLANS_WRITE = "plans:write"
    MODELS_INFER = "models:infer"
    MODELS_CONTROL = "models:control"


OF_OPENID = frozenset({"openid", "profile", "email", "address", "phone", "offline_access"})
"""Scopes of OpenID Connect itself: they say what the issuer tells, and nothing about our APIs."""

_ASKING = {
    Scope.PATIENTS_READ,
    Scope.PATIENTS_WRITE,
    Scope.PLACES_READ,
    Scope.PLACES_WRITE,
    Scope.BOOKINGS_READ,
    Scope.BOOKINGS_WRITE,
}
_DRIVING = {Scope.PATIENTS_READ, Scope.PLACES_READ, Scope.PLACES_PIN, Scope.TRIPS_REPORT}
_OF_SERVICES = {Scope.COMPANIES_MANAGE, Scope.MODELS_INFER, Scope.MODELS_CONTROL}
_DISPATCHING = frozenset(Scope) - _OF_SERVICES - {Scope.COMPANY_ADMIN, Scope.PATIENTS_AUDIT}

SCOPES_OF: Mapping[Role, frozenset[Scope]] = {
    Role.ADMIN: frozenset(Scope) - _OF_SERVICES,
    Role.DISPATCHER: _DISPATCHING,
    Role.DRIVER: frozenset(_DRIVING),
    Role.CLINIC: frozenset(_ASKING),
    Role.PATIENT: frozenset(),
    Role.SERVICE: _DISPATCHING | _OF_SERVICES,
}


def granted_scopes(role: Role, claims: Mapping[str, Any]) -> frozenset[Scope]:
    """The role's scopes; with a `scope` claim (RFC 9068) only those of them that it names.

    Raises:
        TypeError: for a claim that is no text.

    """
    of_role = SCOPES_OF[role]
    if "scope" not in claims:
        return of_role
    claim = claims["scope"]
    if not isinstance(claim, str):
        raise TypeError("scope is no text")
    named = frozenset(claim.split())
    if named and named <= OF_OPENID:  # a plain login; issuers put these into every token
        return of_role
    return frozenset(scope for scope in of_role if scope.value in named)
