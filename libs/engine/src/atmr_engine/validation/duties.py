"""One duty by itself: capacity, shift, breaks, limits of driving, times out of service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.problem import ProblemError
from atmr_engine.validation.fields import require_not_negative, require_place, require_window

if TYPE_CHECKING:
    from atmr_engine.problem import Break, DrivingBreak, Duty, TimeWindow


def validate_duty(name: str, duty: Duty, places: int) -> None:
    """Raise ProblemError for the first field of `duty` that is wrong, its commitments aside."""
    for kind in (
        "seats",
        "wheelchairs",
        "stretchers",
        "fold_seats_per_wheelchair",
        "fold_seats_per_stretcher",
    ):
        require_not_negative(f"{name}.capacity.{kind}", getattr(duty.capacity, kind))
    require_window(f"{name}.shift", duty.shift)
    require_place(f"{name}.start_place", duty.start_place, places)
    require_place(f"{name}.end_place", duty.end_place, places)
    require_not_negative(f"{name}.crew", duty.crew)
    require_not_negative(f"{name}.max_duration_s", duty.max_duration_s, finite=False)
    require_not_negative(f"{name}.max_driving_s", duty.max_driving_s, finite=False)
    for index, pause in enumerate(duty.breaks):
        _break(f"{name}.breaks[{index}]", pause, duty.shift)
    if duty.driving_break is not None:
        _driving_break(f"{name}.driving_break", duty.driving_break)
    for index, away in enumerate(duty.out_of_service):
        require_window(f"{name}.out_of_service[{index}]", away)
    require_not_negative(f"{name}.worked_min", duty.worked_min)
    if duty.fair_share_min is not None:
        require_not_negative(f"{name}.fair_share_min", duty.fair_share_min)


def _break(name: str, pause: Break, shift: TimeWindow) -> None:
    require_not_negative(f"{name}.duration_s", pause.duration_s)
    require_window(f"{name}.window", pause.window)
    earliest = max(pause.window.open_s, shift.open_s)
    if pause.window.close_s < earliest:
        raise ProblemError(f"{name}.window", "closes before the shift begins")
    if earliest + pause.duration_s > shift.close_s:
        raise ProblemError(
            name,
            f"a break of {pause.duration_s} s from {earliest} at the earliest "
            f"does not end within the shift, which ends at {shift.close_s}",
        )


def _driving_break(name: str, rest: DrivingBreak) -> None:
    require_not_negative(f"{name}.after_s", rest.after_s)
    require_not_negative(f"{name}.duration_s", rest.duration_s)
