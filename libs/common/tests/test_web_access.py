"""Roles and scopes: who may call an operation, and that OpenAPI says so."""

from __future__ import annotations

from uuid import UUID

import pytest
from fastapi import APIRouter, FastAPI

from atmr_common.web.access import (
    BOOKERS,
    BookingWriter,
    PlatformService,
    caller_within,
)
from atmr_common.web.identity import Identity, Role
from atmr_common.web.problems import ForbiddenError
from atmr_common.web.scopes import SCOPES_OF, Scope

COMPANY = UUID("0193b082-4d1c-7c2e-9a55-1f6f0f3c9d10")


def identity(role: Role, *scopes: Scope, company_id: UUID | None = COMPANY) -> Identity:
    granted = frozenset(scopes) if scopes else SCOPES_OF[role]
    return Identity(subject="x", role=role, company_id=company_id, granted=granted)


def test_role_and_scope_are_both_needed() -> None:
    wanted = (BOOKERS, Scope.BOOKINGS_WRITE)
    assert caller_within(identity(Role.CLINIC), *wanted).company_id == COMPANY
    with pytest.raises(ForbiddenError, match="A driver may not"):
        caller_within(identity(Role.DRIVER), *wanted)
    with pytest.raises(ForbiddenError, match="lacks the scope bookings:write") as refusal:
        caller_within(identity(Role.CLINIC, Scope.BOOKINGS_READ), *wanted)
    assert refusal.value.extra == {"scope": "bookings:write"}
    with pytest.raises(ForbiddenError, match="no company"):
        caller_within(identity(Role.SERVICE, company_id=None), *wanted)


def test_only_the_platform_manages_companies() -> None:
    assert [role for role in Role if Scope.COMPANIES_MANAGE in SCOPES_OF[role]] == [Role.SERVICE]


def test_a_patients_link_opens_no_operation_of_the_api() -> None:
    assert SCOPES_OF[Role.PATIENT] == frozenset()


def test_openapi_names_the_scope_of_every_operation() -> None:
    router = APIRouter()

    @router.post("/bookings")
    async def write(caller: BookingWriter) -> None: ...

    @router.post("/companies")
    async def found(caller: PlatformService) -> None: ...

    app = FastAPI()
    app.include_router(router)
    paths = app.openapi()["paths"]
    assert paths["/bookings"]["post"]["security"] == [{"HTTPBearer": ["bookings:write"]}]
    assert paths["/companies"]["post"]["security"] == [{"HTTPBearer": ["companies:manage"]}]
