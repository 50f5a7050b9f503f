"""Drivers: whom a duty can be given to, and when."""

from __future__ import annotations

from enum import StrEnum


class DriverKind(StrEnum):
    """Emergency drivers take what no regular one can."""

    REGULAR = "regular"
    EMERGENCY = "emergency"
