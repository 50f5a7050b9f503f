"""Who may see what identifies a patient; everybody else sees a masked one."""

from __future__ import annotations

from atmr_common.web.identity import Role

SEES_IDENTITY = frozenset({Role.ADMIN, Role.DISPATCHER, Role.CLINIC})
"""Drivers see a patient through their stops, around the time of the transport, and not here."""


def sees_identity(role: Role) -> bool:
    """Whether what identifies a patient is shown to this role, or masked."""
    return role in SEES_IDENTITY
