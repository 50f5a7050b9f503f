"""The rules that every plan obeys, and the waivers under which a service rule may be breached.

Physical rules are absolute. Service rules may be breached only as far as a recorded waiver says
(who or which actual delay, why, how much): a late vehicle must be able to finish its day.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """Every rule by the name that violations, reasons and waivers use."""

    COVERAGE = "coverage"  # each request is served exactly once, or listed as unserved
    ORDER = "order"  # pickup before drop-off, in one route, from start to end
    TRAVEL = "travel"  # no stop is reached sooner than the travel matrix allows
    CAPACITY = "capacity"
    SKILLS = "skills"
    EQUIPMENT = "equipment"
    CREW = "crew"
    SHARING = "sharing"  # ride alone, share groups
    LOCK = "lock"  # a dispatcher's pin, a committed beginning
    LINK = "link"  # a return leg after its outbound leg and the stay; the required driver
    WINDOW = "window"
    RIDE_TIME = "ride_time"
    SHIFT = "shift"
    DURATION = "duration"
    BREAK = "break"


SERVICE_RULES = frozenset({Rule.WINDOW, Rule.RIDE_TIME, Rule.SHIFT, Rule.DURATION, Rule.BREAK})
"""The rules that a waiver can relax; all others are physical."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Leave to breach one service rule by at most `excess_s` seconds.

    `subject` is the id of the request (window, ride time) or of the duty (shift, duration, break).
    A window waiver lets service begin up to `excess_s` after the window closed, at either end.

    Raises:
        ValueError: for a physical rule or an excess that is not positive and finite.

    """

    rule: Rule
    subject: str
    excess_s: float
    reason: str
    granted_by: str

    def __post_init__(self) -> None:
        if self.rule not in SERVICE_RULES:
            raise ValueError(f"{self.rule} is a physical rule and cannot be waived")
        if not 0.0 < self.excess_s < float("inf"):
            raise ValueError(f"a waiver's excess must be positive and finite, not {self.excess_s}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that a plan breaks: whose, on which duty, by how much (seconds or places)."""

    rule: Rule
    subject: str
    duty: str | None
    excess: float
    message: str
