"""The dial-a-ride problem as plain, immutable data: requests, duties and travel matrices.

Times are seconds from an origin that the caller chooses (midnight of the day, say), distances
are kilometres, places are indices into the travel matrices. Nothing here plans anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from atmr_engine.objective import Weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from atmr_engine.rules import Waiver


class ProblemError(ValueError):
    """A problem that cannot be stated; `field` names the part that is wrong."""

    def __init__(self, field_name: str, message: str) -> None:
        super().__init__(f"{field_name}: {message}")
        self.field = field_name


class DriverKind(StrEnum):
    """Emergency drivers take what no regular one can, at a cost."""

    REGULAR = "regular"
    EMERGENCY = "emergency"


class SameDriver(StrEnum):
    """How strongly a linked leg wants the driver of the leg that it follows."""

    FREE = "free"
    PREFER = "prefer"
    REQUIRE = "require"


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A closed interval in seconds within which service begins."""

    open_s: float = 0.0
    close_s: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a request puts into a vehicle, companions included (counts by kind of place)."""

    seats: int = 0
    wheelchairs: int = 0
    stretchers: int = 0


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
class Visit:
    """One end of a request: where, when service may begin, and how long it takes (seconds)."""

    place: int
    window: TimeWindow = TimeWindow()
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
class Request:
    """One transport of one patient.

    `max_ride_s` bounds the time between the end of service at the pickup and the begin of service
    at the drop-off (Cordeau and Laporte 2003). `ride_alone` admits no other passenger on board.
    Passengers of different `share_group`s never ride together (the empty group is one of them).
    `cleaning_s` is spent at the drop-off place after service, before the vehicle goes on.
    `locked_duty` is a dispatcher's pin: that duty or none.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A pause of `duration_s` that begins within `window`, with nobody on board."""

    duration_s: float
    window: TimeWindow


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
    `max_duration_s` bounds return minus departure. `committed` is the fixed beginning of the route.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Travel:
    """Travel between places: `time_s` and `distance_km`, both (places, places) float64.

    Entries may be asymmetric; an unreachable pair is `inf`. NaN and negative entries are refused.
    """

    time_s: NDArray[np.float64]
    distance_km: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """All that one day's planning needs to know.

    `origin`, an aware datetime in the zone of the day, says when second 0 is; planning ignores it,
    reasons for people tell times with it.

    Raises:
        ProblemError: naming the field (`requests[3].pickup.window`, `travel.time_s`) when a part
            cannot be right whatever the plan: a window that closes before it opens, a duplicated
            id, a place outside the matrices, NaN, a break longer than the shift, a link to nobody.
            A request that merely fits no duty is no error: it stays unserved, with its reason.

    """

    requests: tuple[Request, ...]
    duties: tuple[Duty, ...]
    travel: Travel
    weights: Weights = field(default_factory=Weights)
    waivers: tuple[Waiver, ...] = ()
    origin: datetime | None = None

    def __post_init__(self) -> None:
        from atmr_engine.validation import validate  # noqa: PLC0415 (validation reads these types)

        validate(self)

    def local(self, seconds: float) -> datetime:
        """The local moment, to the minute, `seconds` of elapsed time after the origin.

        Raises:
            ValueError: where the problem has no origin.

        """
        if self.origin is None:
            raise ValueError("the problem does not say when its second 0 is")
        elapsed = timedelta(minutes=round(seconds / 60))
        return (self.origin.astimezone(UTC) + elapsed).astimezone(self.origin.tzinfo)

    @cached_property
    def request_index(self) -> dict[str, int]:
        """Position of each request by its id."""
        return {request.id: index for index, request in enumerate(self.requests)}

    @cached_property
    def duty_index(self) -> dict[str, int]:
        """Position of each duty by its id."""
        return {duty.id: index for index, duty in enumerate(self.duties)}
