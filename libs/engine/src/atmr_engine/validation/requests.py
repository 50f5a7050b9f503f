"""One request by itself, and one reserve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.problem import ProblemError
from atmr_engine.validation.fields import (
    require_finite,
    require_load,
    require_not_negative,
    require_place,
    require_window,
)

if TYPE_CHECKING:
    from atmr_engine.problem import Promise, Request, Reserve, Visit


def _visit(name: str, visit: Visit, places: int) -> None:
    require_place(f"{name}.place", visit.place, places)
    require_window(f"{name}.window", visit.window)
    require_not_negative(f"{name}.service_s", visit.service_s)


def validate_request(name: str, request: Request, places: int, duties: set[str]) -> None:
    """Raise ProblemError for the first field of `request` that is wrong."""
    _visit(f"{name}.pickup", request.pickup, places)
    _visit(f"{name}.dropoff", request.dropoff, places)
    require_load(f"{name}.load", request.load)
    require_not_negative(f"{name}.max_ride_s", request.max_ride_s, finite=False)
    require_not_negative(f"{name}.crew", request.crew)
    require_not_negative(f"{name}.cleaning_s", request.cleaning_s)
    require_not_negative(f"{name}.priority", request.priority)
    if request.locked_duty is not None and request.locked_duty not in duties:
        raise ProblemError(f"{name}.locked_duty", f"no duty has the id {request.locked_duty!r}")
    if request.promise is not None:
        _promise(f"{name}.promise", request.promise)


def _promise(name: str, promise: Promise) -> None:
    require_finite(f"{name}.begin_s", promise.begin_s)
    require_not_negative(f"{name}.slack_s", promise.slack_s)


def validate_reserve(name: str, reserve: Reserve) -> None:
    """Raise ProblemError for the first field of `reserve` that is wrong."""
    require_window(f"{name}.window", reserve.window)
    require_not_negative(f"{name}.duration_s", reserve.duration_s)
    require_load(f"{name}.load", reserve.load)
    require_not_negative(f"{name}.crew", reserve.crew)
    if reserve.window.open_s + reserve.duration_s > reserve.window.close_s:
        raise ProblemError(
            f"{name}.duration_s", f"{reserve.duration_s} s do not fit into the reserve's window"
        )
