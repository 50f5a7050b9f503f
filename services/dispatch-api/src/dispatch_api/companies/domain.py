"""A company: the tenant, its zone, and how it wants to be dispatched."""

from __future__ import annotations

from enum import StrEnum


class DispatchMode(StrEnum):
    """How far the system may go by itself."""

    MANUAL = "manual"  # nothing moves by itself; suggestions on demand
    SEMI_AUTO = "semi_auto"  # proposals to accept
    AUTO = "auto"  # applied within limits
