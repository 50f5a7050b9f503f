"""What is to be transported: requests with both their ends, links, promises, and reserves.

Times are seconds from the problem's origin, places are indices into the travel matrices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from atmr_engine.time_window import ANY_TIME, TimeWindow


class SameDriver(StrEnum):
    """How strongly a linked leg wants the driver of the leg that it follows."""

    FREE = "free"
    PREFER = "prefer"
    REQUIRE = "require"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a request puts into a vehicle, companions included (counts by kind of place)."""

    seats: int = 0
    wheelchairs: int = 0
    stretchers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One end of a request: where, when service may begin, and how long it takes (seconds)."""

    place: int
    window: TimeWindow = ANY_TIME
    service_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A pickup begins at the earliest `stay_s` after `after`'s drop-off service ends.

    Where `after` is unserved the link binds nothing but the request's own windows.
    """

    after: str
    stay_s: float = 0.0
    same_driver: SameDriver = SameDriver.FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """The patient was told that the pickup begins at `begin_s`, give or take `slack_s`.

    A `hard` promise is a rule (PROMISE, which a waiver relaxes). What goes beyond the slack costs
    `weights.promise_min` a minute, hard or not.
    """

    begin_s: float
    slack_s: float = 300.0
    hard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One transport of one patient.

    `max_ride_s` bounds the time between the end of service at the pickup and the begin of service
    at the drop-off (Cordeau and Laporte 2003). `ride_alone` admits no other passenger on board.
    Passengers of different `share_group`s never ride together (the empty group is one of them).
    `cleaning_s` is spent at the drop-off place after service, before the vehicle goes on.
    `locked_duty` is a dispatcher's pin: that duty or none. `published_duty` is the one of the
    published plan, which a change of costs `weights.reassigned`. `familiar` are the drivers who
    know the patient; an empty set is no wish. The windows of a `will_call` request are a forecast,
    so its stops are provisional in every plan.
    """

    id: str
    pickup: Visit
    dropoff: Visit
    load: Load = Load(seats=1)
    max_ride_s: float = math.inf
    equipment: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    crew: int = 1
    ride_alone: bool = False
    share_group: str = ""
    cleaning_s: float = 0.0
    link: Link | None = None
    priority: int = 0
    locked_duty: str | None = None
    published_duty: str | None = None
    promise: Promise | None = None
    familiar: frozenset[str] = frozenset()
    will_call: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """Capacity held back for transports whose times nobody knows yet.

    A block of `duration_s` that lies whole within `window`, on one duty that could carry `load`
    with this equipment, skills and crew, while nobody is on board; the vehicle stands where it is.
    """

    id: str
    window: TimeWindow
    duration_s: float
    load: Load = Load(seats=1)
    equipment: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    crew: int = 1
