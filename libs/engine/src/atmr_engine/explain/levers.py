"""What can be relaxed so that a duty could take a request: each a lever with an amount.

A lever is pulled on compiled arrays, to find the smallest amount, and on the problem itself, as a
waiver or as the changed request or duty, to prove it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from atmr_engine.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping


class Lever(StrEnum):
    """What is relaxed, in the order in which rules are asked."""

    UNPIN = "unpin"
    SEATS = "seats"
    WHEELCHAIRS = "wheelchairs"
    STRETCHERS = "stretchers"
    EQUIPMENT = "equipment"
    SKILLS = "skills"
    CREW = "crew"
    DRIVER = "driver"  # the linked legs need not have one driver
    SHARE = "share"  # with those on board then
    LATER = "later"  # service of the request begins after its windows closed
    EARLIER = "earlier"  # or before they open
    PROMISE = "promise"  # the pickup misses the time that was firmly told
    RIDE = "ride"
    SHIFT_END = "shift_end"
    SHIFT_START = "shift_start"
    DURATION = "duration"
    DRIVING = "driving"  # in the day, and without a break
    IN_SERVICE = "in_service"  # the vehicle is never away
    BREAK = "break"  # the duty's breaks begin after their windows closed
    STAY = "stay"  # the stay between the linked legs is shorter
    UNLINK = "unlink"


RULE_OF = {
    Lever.UNPIN: Rule.LOCK,
    Lever.SEATS: Rule.CAPACITY,
    Lever.WHEELCHAIRS: Rule.CAPACITY,
    Lever.STRETCHERS: Rule.CAPACITY,
    Lever.EQUIPMENT: Rule.EQUIPMENT,
    Lever.SKILLS: Rule.SKILLS,
    Lever.CREW: Rule.CREW,
    Lever.DRIVER: Rule.LINK,
    Lever.SHARE: Rule.SHARING,
    Lever.LATER: Rule.WINDOW,
    Lever.EARLIER: Rule.WINDOW,
    Lever.PROMISE: Rule.PROMISE,
    Lever.RIDE: Rule.RIDE_TIME,
    Lever.SHIFT_END: Rule.SHIFT,
    Lever.SHIFT_START: Rule.SHIFT,
    Lever.DURATION: Rule.DURATION,
    Lever.DRIVING: Rule.DRIVING,
    Lever.IN_SERVICE: Rule.OUT_OF_SERVICE,
    Lever.BREAK: Rule.BREAK,
    Lever.STAY: Rule.LINK,
    Lever.UNLINK: Rule.LINK,
}
TIMES = frozenset(
    {
        Lever.LATER,
        Lever.EARLIER,
        Lever.PROMISE,
        Lever.RIDE,
        Lever.SHIFT_END,
        Lever.SHIFT_START,
        Lever.DURATION,
        Lever.DRIVING,
        Lever.BREAK,
        Lever.STAY,
    }
)
"""Amounts in seconds; those of the others count places, people, or 1 for yes."""
WAIVABLE = frozenset(
    {
        Lever.LATER,
        Lever.PROMISE,
        Lever.RIDE,
        Lever.SHIFT_END,
        Lever.DURATION,
        Lever.DRIVING,
        Lever.BREAK,
    }
)
"""What a waiver can grant; for the others request or duty have to be changed."""
HOUR_S = 3600
"""A place, a colleague or a yes is ranked like an hour: it is harder to come by than minutes."""

Amounts = dict[Lever, int]


def worth_s(amounts: Mapping[Lever, int]) -> int:
    """How much is asked for in all, to rank one relaxation before another."""
    return sum(n * (1 if lever in TIMES else HOUR_S) for lever, n in amounts.items())
