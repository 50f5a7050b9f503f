"""What transports: duties with their vehicle's places, shift, breaks and limits.

Times are seconds from the problem's origin, places are indices into the travel matrices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from atmr_engine.time_window import TimeWindow


class DriverKind(StrEnum):
    """Emergency drivers take what no regular one can, at a cost."""

    REGULAR = "regular"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What a vehicle can hold at once.

    A load fits when wheelchairs and stretchers are within their places and
    `seats + fold_seats_per_wheelchair * wheelchairs + fold_seats_per_stretcher * stretchers`
    is within `seats`: a convertible place folds that many seats away while it is used.
    """

    seats: int
    wheelchairs: int = 0
    stretchers: int = 0
    fold_seats_per_wheelchair: int = 0
    fold_seats_per_stretcher: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A pause of `duration_s` that begins within `window`, with nobody on board."""

    duration_s: float
    window: TimeWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class DrivingBreak:
    """Never more than `after_s` of driving since departure or a pause of at least `duration_s`.

    A break of the duty that is long enough counts; a plan may hold break stops beyond
    `Duty.breaks` for it, each at least that long.
    """

    after_s: float
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """One stop of a duty's fixed beginning: done, under way, or in an order that is locked.

    `kind` is "pickup", "dropoff" or "break"; `begin_s`, where given, is when service began or is
    fixed to begin.
    """

    kind: str
    request: str | None = None
    begin_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """A vehicle with one or two crew for a time: the unit that gets a route.

    `start_place` or `end_place` None: the route begins at its first stop, or ends at its last,
    and no way there or back is counted. The shift bounds departure and return;
    `max_duration_s` bounds return minus departure, `max_driving_s` the time spent on ways.
    `committed` is the fixed beginning of the route. During the windows of `out_of_service` the
    vehicle neither drives nor serves, carries nobody and stands in no reserve; it may arrive as one
    opens and leave as it closes. `worked_min` are the driver's minutes this week before today,
    `fair_share_min` what they should come to with today's (None: outside fairness).
    """

    id: str
    capacity: Capacity
    shift: TimeWindow
    start_place: int | None = None
    end_place: int | None = None
    driver: str = ""
    driver_kind: DriverKind = DriverKind.REGULAR
    vehicle: str = ""
    equipment: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    crew: int = 1
    breaks: tuple[Break, ...] = ()
    max_duration_s: float = math.inf
    committed: tuple[Committed, ...] = ()
    max_driving_s: float = math.inf
    driving_break: DrivingBreak | None = None
    out_of_service: tuple[TimeWindow, ...] = ()
    worked_min: float = 0.0
    fair_share_min: float | None = None
