"""Reads the identity out of verified claims; a claim of another shape is a refused token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from atmr_common.web.identity import Identity, Role
from atmr_common.web.scopes import granted_scopes

MAX_SUBJECT_LENGTH = 200  # what the tables hold


def identity_of(claims: Mapping[str, Any]) -> Identity:
    """Who the claims name.

    Raises:
        KeyError, TypeError, ValueError: where `sub`, `role`, `company_id` or `scope` is wrong.

    """
    subject, company = claims["sub"], claims.get("company_id")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_LENGTH:
        raise ValueError("sub is no text of a fitting length")
    if not subject.isprintable():
        raise ValueError("sub holds control characters")
    role = Role(claims["role"])
    return Identity(
        subject=subject,
        role=role,
        company_id=UUID(company) if company else None,
        granted=granted_scopes(role, claims),
    )


def check_times(claims: Mapping[str, Any], *, now: float, leeway_s: float) -> None:
    """Refuse what has expired, is not valid yet, or was issued in the future.

    Raises:
        ValueError: naming the claim.

    """
    if _moment(claims, "exp") + leeway_s <= now:
        raise ValueError("exp is past")
    for name in ("nbf", "iat"):
        if name in claims and _moment(claims, name) - leeway_s > now:
            raise ValueError(f"{name} is not reached")


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is no number")
    seconds = float(value)
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{name} is no moment")
    return seconds
