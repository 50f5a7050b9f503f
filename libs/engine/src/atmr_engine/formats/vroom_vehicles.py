"""Vehicles of VROOM's JSON as duties, and the steps that they propose or have fixed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from atmr_engine.formats.vroom_case import VroomBreak, VroomPlace, VroomVehicle
from atmr_engine.formats.vroom_fields import LARGEST_ID, Fields
from atmr_engine.formats.vroom_tasks import amounts, named_skills, place_index
from atmr_engine.problem import Break, Capacity, Duty, TimeWindow

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS = (
    "id",
    "profile",
    "description",
    "start",
    "start_index",
    "end",
    "end_index",
    "capacity",
    "costs",
    "skills",
    "type",
    "time_window",
    "breaks",
    "speed_factor",
    "max_tasks",
    "max_travel_time",
    "max_distance",
    "max_duration",
    "steps",
    "committed",
)
BREAK_FIELDS = ("id", "time_windows", "service", "description", "max_load")


def read_vehicle(
    entry: Fields, places: int, dimensions: tuple[str, ...], skill_names: Mapping[int, str]
) -> tuple[Duty, VroomVehicle]:
    """One vehicle as a duty without a committed beginning.

    Raises:
        VroomError: naming the field.

    """
    entry.only(FIELDS, {})
    entry.text("type")  # a label of setup_per_type and service_per_type, which are refused
    capacity = {"seats": 0, **amounts(entry, "capacity", dimensions)}
    shift = entry.window("time_window")
    longest = float(entry.whole("max_duration")) if entry.has("max_duration") else math.inf
    window = TimeWindow() if shift is None else TimeWindow(*map(float, shift))
    breaks = _breaks(entry, window)
    vehicle = VroomVehicle(
        id=entry.whole("id", high=LARGEST_ID),
        start=_end(entry, "start", places),
        end=_end(entry, "end", places),
        breaks=tuple(name for name, _ in breaks),
        description=entry.text("description"),
    )
    duty = Duty(
        id=f"vehicle {vehicle.id}",
        capacity=Capacity(**capacity),
        shift=window,
        start_place=None if vehicle.start is None else vehicle.start.index,
        end_place=None if vehicle.end is None else vehicle.end.index,
        skills=named_skills(entry, skill_names),
        breaks=tuple(pause for _, pause in breaks),
        max_duration_s=longest,
    )
    return duty, vehicle


def _end(entry: Fields, key: str, places: int) -> VroomPlace | None:
    """Where the route begins or ends, or None: at its first or last stop."""
    coordinates = entry.place(key)
    if coordinates is None and not entry.has(f"{key}_index"):
        return None
    return VroomPlace(index=place_index(entry, f"{key}_index", places), coordinates=coordinates)


def _breaks(entry: Fields, shift: TimeWindow) -> list[tuple[VroomBreak, Break]]:
    breaks: list[tuple[VroomBreak, Break]] = []
    for pause in entry.parts("breaks"):
        pause.only(BREAK_FIELDS, {})
        name = VroomBreak(
            id=pause.whole("id", high=LARGEST_ID), description=pause.text("description")
        )
        if any(name.id == other.id for other, _ in breaks):
            raise pause.error("id", f"is {name.id} for a second break", "give each its own")
        if any(pause.wholes("max_load")):
            raise pause.error(
                "max_load",
                "admits riders",
                "the engine breaks with nobody on board: give zeros, or leave it out",
            )
        window = pause.windows("time_windows")
        opens, closes = (shift.open_s, shift.close_s) if window is None else map(float, window)
        duration = float(pause.whole("service", 0))
        if closes < shift.open_s or max(opens, shift.open_s) + duration > shift.close_s:
            raise pause.error(
                "time_windows",
                "does not fit into the vehicle's time_window",
                "widen one of the two",
            )
        breaks.append((name, Break(duration_s=duration, window=TimeWindow(opens, closes))))
    return breaks


def break_warnings(entry: Fields) -> list[str]:
    """Where the engine is stricter than VROOM."""
    loose = [pause.name for pause in entry.parts("breaks") if not pause.has("max_load")]
    return [
        f"{name} is taken with nobody on board, at the stop before it: stricter than VROOM"
        for name in loose
    ]


def check_limits(entry: Fields, duty: Duty, tasks: int, dearest_way: tuple[float, float]) -> None:
    """Refuse a limit that the engine does not know, unless no route can reach it.

    `dearest_way` is the largest travel time and distance of a leg; a route has one leg more than
    `tasks`.

    Raises:
        VroomError: naming the field.

    """
    legs = tasks + 1
    time_s, distance_m = (legs * way for way in dearest_way)
    time_s = min(time_s, duty.shift.close_s - duty.shift.open_s, duty.max_duration_s)
    reachable = {"max_tasks": tasks, "max_travel_time": time_s, "max_distance": distance_m}
    remedies = {
        "max_tasks": "leave it out",
        "max_travel_time": "give max_duration (ours): the longest time from departure to return",
        "max_distance": "leave it out",
    }
    for key, reach in reachable.items():
        if entry.has(key) and entry.whole(key) < reach:
            raise entry.error(key, "is a limit that the engine does not know", remedies[key])
