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
    DRIVING = "driving"  # driving of the day, and without a break
    PROMISE = "promise"  # a pickup at the time that the patient was firmly told
    OUT_OF_SERVICE = "out_of_service"  # a vehicle that is away neither drives nor serves
    RESERVE = "reserve"  # capacity in reserve: long enough, in its window, nobody on board


RULES_OF_REQUESTS = frozenset({Rule.WINDOW, Rule.RIDE_TIME, Rule.PROMISE})
RULES_OF_DUTIES = frozenset({Rule.SHIFT, Rule.DURATION, Rule.BREAK, Rule.DRIVING})
SERVICE_RULES = RULES_OF_REQUESTS | RULES_OF_DUTIES
"""The rules that a waiver can relax, by whose they are; all others are physical."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Leave to breach one service rule by at most `excess_s` seconds.

    `subject` is the id of the request (window, ride time, promise) or of the duty (shift, duration,
    break, driving). A window waiver lets service begin up to `excess_s` after the window closed, at
    either end; a promise's lets the pickup miss it by so much more than its slack, in either
    direction; a driving waiver reaches the day's driving and the driving without a break alike.

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
