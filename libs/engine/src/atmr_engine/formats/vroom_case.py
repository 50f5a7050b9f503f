"""A problem beside the names that VROOM's JSON has for its parts.

Reading an input and writing one both make a case, so that one writer and one reader of solutions
serve both: what a client sent us, and what we sent to VROOM.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from atmr_engine.plan import StopKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from atmr_engine.plan import Plan
    from atmr_engine.problem import Problem, Request

DIMENSIONS = ("seats", "wheelchairs", "stretchers")
"""What the components of amounts and capacities are, in order, unless the document names others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VroomPlace:
    """Where something is: the index in the matrices and, for the answer, `[lon, lat]`."""

    index: int
    coordinates: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VroomTask:
    """One end of a shipment ("pickup", "delivery"), or a job: what its step says of it."""

    type: str
    id: int
    place: VroomPlace
    setup_s: int = 0
    service_s: int = 0
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VroomBreak:
    """A break of a vehicle; the order is that of the duty's breaks."""

    id: int
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VroomVehicle:
    """A vehicle's name, ends and breaks."""

    id: int
    start: VroomPlace | None = None
    end: VroomPlace | None = None
    breaks: tuple[VroomBreak, ...] = ()
    description: str = ""
    fixed_cost: float = 0.0


@dataclass(frozen=True, kw_only=True)
class VroomCase:
    """A problem, and VROOM's names of it.

    `tasks` maps each end of each request to its task; a job is the pickup of its request, whose
    drop-off has none. `distances_m` (places, places) is None where VROOM would report none.
    `costs` (places, places) is in VROOM's own unit. `offset_s` is added to the problem's times to
    get VROOM's. `folded` is how many seats a wheelchair and a stretcher count for in amounts.
    `start` is the plan that the document proposes. `warnings` are for people.
    """

    name: str
    problem: Problem
    tasks: dict[tuple[StopKind, str], VroomTask]
    vehicles: dict[str, VroomVehicle]
    costs: NDArray[np.float64]
    distances_m: NDArray[np.float64] | None = None
    dimensions: tuple[str, ...] = DIMENSIONS
    offset_s: int = 0
    folded: tuple[int, int] = (0, 0)
    start: Plan | None = None
    warnings: tuple[str, ...] = field(default=())

    @cached_property
    def ends(self) -> dict[tuple[str, int], tuple[StopKind, str]]:
        """What each task does, by its type and id."""
        return {(task.type, task.id): end for end, task in self.tasks.items()}

    @cached_property
    def duties(self) -> dict[int, str]:
        """The duty of each vehicle's id."""
        return {vehicle.id: duty for duty, vehicle in self.vehicles.items()}

    def is_job(self, request: str) -> bool:
        """Whether a request is a single visit."""
        return self.tasks[StopKind.PICKUP, request].type == "job"

    def amount(self, request: Request) -> list[int]:
        """What a request takes of each dimension."""
        return amount_of(request, self.dimensions, self.folded)


def amount_of(request: Request, dimensions: tuple[str, ...], folded: tuple[int, int]) -> list[int]:
    """Places by dimension; `folded` seats are counted for a wheelchair and for a stretcher."""
    load, (wheelchair, stretcher) = request.load, folded
    seats = load.seats + wheelchair * load.wheelchairs + stretcher * load.stretchers
    kinds = {"seats": seats, "wheelchairs": load.wheelchairs, "stretchers": load.stretchers}
    return [kinds[name] for name in dimensions]
