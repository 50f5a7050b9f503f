"""Shipments and jobs of VROOM's JSON as requests.

A job without an amount is a request that is picked up and dropped off at one place at one time. A
job that delivers from the start, or picks up for the end, of a route has no equal here.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from atmr_engine.formats.vroom_case import DIMENSIONS, VroomPlace, VroomTask
from atmr_engine.formats.vroom_fields import LARGEST_ID, Fields, VroomError
from atmr_engine.plan import StopKind
from atmr_engine.problem import Load, Request, TimeWindow, Visit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_TASKS = 5_000
MOST_PLACES_TAKEN = 1_000_000
HIGHEST_PRIORITY = 100
PER_TYPE = "the engine has one duration for all vehicles: give setup and service"
STEP_FIELDS = ("id", "description", "location", "location_index", "setup", "service")
PER_TYPE_FIELDS = {"setup_per_type": PER_TYPE, "service_per_type": PER_TYPE}
JOB_AMOUNT = (
    "amounts of jobs belong to the ends of the route, which the engine may visit in between: "
    "give a shipment from or to the depot"
)


@dataclass(slots=True)
class Tasks:
    """Requests in order (shipments, then jobs), and the task of each of their ends."""

    places: int
    dimensions: tuple[str, ...]
    skill_names: Mapping[int, str]
    requests: list[Request] = field(default_factory=list)
    tasks: dict[tuple[StopKind, str], VroomTask] = field(default_factory=dict)
    setups: list[tuple[Fields, VroomTask]] = field(default_factory=list)
    taken: set[tuple[str, int]] = field(default_factory=set)

    def add_shipment(self, entry: Fields) -> None:
        """Add a shipment.

        Raises:
            VroomError: naming the field.

        """
        entry.only(
            ("pickup", "delivery", "amount", "skills", "priority", "max_ride_time"),
            {},
        )
        ends = []
        for key in ("pickup", "delivery"):
            if not entry.has(key):
                raise entry.error(key, "is missing", "a shipment has a pickup and a delivery")
            end = entry.part(key)
            end.only((*STEP_FIELDS, "time_windows"), PER_TYPE_FIELDS)
            ends.append((end, self._task(end, key)))
        (pickup, first), (delivery, second) = ends
        name = f"shipment {first.id}"
        ride_s = float(entry.whole("max_ride_time")) if entry.has("max_ride_time") else math.inf
        self.tasks[StopKind.PICKUP, name] = first
        self.tasks[StopKind.DROPOFF, name] = second
        self.requests.append(
            Request(
                id=name,
                pickup=_visit(pickup, first),
                dropoff=_visit(delivery, second),
                load=self._load(entry),
                max_ride_s=ride_s,
                skills=named_skills(entry, self.skill_names),
                priority=entry.whole("priority", 0, high=HIGHEST_PRIORITY),
            )
        )

    def add_job(self, entry: Fields) -> None:
        """Add a job: its visit lasts no time between boarding and alighting.

        Raises:
            VroomError: naming the field.

        """
        entry.only(
            (*STEP_FIELDS, "time_windows", "skills", "priority", "amount", "pickup", "delivery"),
            PER_TYPE_FIELDS,
        )
        for key in ("amount", "pickup", "delivery"):
            if any(entry.wholes(key)):
                raise entry.error(key, "of a job is not supported", JOB_AMOUNT)
        task = self._task(entry, "job")
        name = f"job {task.id}"
        self.tasks[StopKind.PICKUP, name] = task
        self.requests.append(
            Request(
                id=name,
                pickup=_visit(entry, task),
                dropoff=Visit(place=task.place.index),
                load=Load(),
                max_ride_s=0.0,
                skills=named_skills(entry, self.skill_names),
                priority=entry.whole("priority", 0, high=HIGHEST_PRIORITY),
            )
        )

    def _task(self, entry: Fields, kind: str) -> VroomTask:
        identifier = entry.whole("id", high=LARGEST_ID)
        if (kind, identifier) in self.taken:
            raise entry.error("id", f"is {identifier} for a second {kind}", "give each its own")
        self.taken.add((kind, identifier))
        task = VroomTask(
            type=kind,
            id=identifier,
            place=VroomPlace(
                index=place_index(entry, "location_index", self.places),
                coordinates=entry.place("location"),
            ),
            setup_s=entry.whole("setup", 0),
            service_s=entry.whole("service", 0),
            description=entry.text("description"),
        )
        if task.setup_s:
            self.setups.append((entry, task))
        return task

    def _load(self, entry: Fields) -> Load:
        return Load(**amounts(entry, "amount", self.dimensions))

    def check_setups(self, starts: Iterable[int]) -> None:
        """Refuse a setup that not every visit would need: at a place of several tasks or a start.

        VROOM counts it only on arrival from elsewhere, the engine knows one service for a task.
        """
        used = Counter(task.place.index for task in self.tasks.values())
        used.update(set(starts))
        for entry, task in self.setups:
            if used[task.place.index] > 1:
                raise entry.error(
                    "setup",
                    f"is given at place {task.place.index}, where more than this task is",
                    "add it to service, or give the task a place of its own in the matrices",
                )


def _visit(entry: Fields, task: VroomTask) -> Visit:
    window = entry.windows("time_windows")
    return Visit(
        place=task.place.index,
        window=TimeWindow() if window is None else TimeWindow(*map(float, window)),
        service_s=float(task.setup_s + task.service_s),
    )


def place_index(entry: Fields, key: str, places: int) -> int:
    """An index in the matrices; coordinates alone are refused."""
    if not entry.has(key):
        raise entry.error(
            key,
            "is missing",
            "the engine asks no router: give the index in the matrices beside or instead of "
            "coordinates",
        )
    return entry.whole(key, high=places - 1)


def amounts(entry: Fields, key: str, dimensions: tuple[str, ...]) -> dict[str, int]:
    """An amount or a capacity by dimension; none where the field is absent.

    Raises:
        VroomError: for another count of components than the vehicles have.

    """
    values = entry.wholes(key)
    if values and len(values) != len(dimensions):
        raise entry.error(
            key,
            f"has {len(values)} components",
            f"give {len(dimensions)} ({', '.join(dimensions)})",
        )
    for index, value in enumerate(values):
        if value > MOST_PLACES_TAKEN:
            raise VroomError(
                f"{entry.path(key)}[{index}]", f"is {value}", f"at most {MOST_PLACES_TAKEN:,}"
            )
    return dict(zip(dimensions, values, strict=False))


def named_skills(entry: Fields, names: Mapping[int, str]) -> frozenset[str]:
    """Skills by name where the document names them, by number otherwise."""
    return frozenset(names.get(number, str(number)) for number in entry.wholes("skills"))


def read_dimensions(document: Fields, vehicles: Iterable[Fields]) -> tuple[str, ...]:
    """What the components of amounts are: `dimensions` (ours), else the first of DIMENSIONS.

    Raises:
        VroomError: for more than three, unknown or doubled ones, or vehicles that differ.

    """
    lengths = [(vehicle, len(vehicle.wholes("capacity"))) for vehicle in vehicles]
    count = max((length for _, length in lengths), default=0)
    names = tuple(document.items("dimensions")) or DIMENSIONS[:count]
    if any(name not in DIMENSIONS for name in names) or len(set(names)) < len(names):
        raise document.error(
            "dimensions", "is no list of kinds of places", f"choose from {', '.join(DIMENSIONS)}"
        )
    for vehicle, length in lengths:
        if length not in {0, len(names)}:
            raise vehicle.error(
                "capacity",
                f"has {length} components",
                f"give {len(names)} for each vehicle ({', '.join(names)}); the engine knows "
                f"{len(DIMENSIONS)} kinds of places",
            )
    return names


def read_skill_names(document: Fields) -> dict[int, str]:
    """`skill_names` (ours): a name for each number that skills use.

    Raises:
        VroomError: for a key that is no number, or a name that is doubled or a number.

    """
    table = document.part("skill_names")
    names: dict[int, str] = {}
    for key in table.values:
        name = table.text(key)
        plain = key.isascii() and key.isdecimal() and len(key) <= len(str(LARGEST_ID))
        if not plain or not name or name.isdecimal() or name in names.values():
            raise table.error(key[:20], "is no name of a skill", 'write {"14": "stairs chair"}')
        names[int(key)] = name
    return names
