"""Who is calling: a subject with a role, in a company (or in none, for the platform's services)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from atmr_common.web.scopes import Scope


class Role(StrEnum):
    """What a caller is to the system; scopes follow from it."""

    ADMIN = "admin"
    DISPATCHER = "dispatcher"
    DRIVER = "driver"
    CLINIC = "clinic"
    PATIENT = "patient"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A verified caller; `company_id` is None for services that act for the whole platform.

    `granted`: what the token may be used for (the role's scopes, or fewer where it says so).
    """

    subject: str
    role: Role
    company_id: UUID | None
    granted: frozenset[Scope]
