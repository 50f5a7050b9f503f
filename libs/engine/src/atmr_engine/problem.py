"""The dial-a-ride problem as plain, immutable data: requests, duties and travel matrices.

Times are seconds from an origin that the caller chooses (midnight of the day, say), distances
are kilometres, places are indices into the travel matrices. Nothing here plans anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from atmr_engine.duty import Break, Capacity, Committed, DriverKind, DrivingBreak, Duty
from atmr_engine.request import Link, Load, Promise, Request, Reserve, SameDriver, Visit
from atmr_engine.time_window import TimeWindow
from atmr_engine.travel import Travel
from atmr_engine.weights import Weights

if TYPE_CHECKING:
    from atmr_engine.rules import Waiver

__all__ = [
    "Break",
    "Capacity",
    "Committed",
    "DriverKind",
    "DrivingBreak",
    "Duty",
    "Link",
    "Load",
    "Problem",
    "ProblemError",
    "Promise",
    "Request",
    "Reserve",
    "SameDriver",
    "TimeWindow",
    "Travel",
    "Visit",
]


class ProblemError(ValueError):
    """A problem that cannot be stated; `field` names the part that is wrong."""

    def __init__(self, field_name: str, message: str) -> None:
        super().__init__(f"{field_name}: {message}")
        self.field = field_name


@dataclass(frozen=True, kw_only=True)
class Problem:
    """All that one day's planning needs to know.

    `origin`, an aware datetime in the zone of the day, says when second 0 is; planning ignores it,
    reasons for people tell times with it. A stop nearer than `buffer_s` to its window's end costs
    `weights.tightness_min`. `reserves` hold capacity back for transports that are not known yet.

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
    buffer_s: float = 0.0
    reserves: tuple[Reserve, ...] = ()

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
