"""What a dispatcher knows at a moment of the day: vehicles, requests, and what was told.

Policies read it and leave it alone; only the execution writes. Positions are known at stops: a
vehicle under way is where its leg ends, from the moment on at which it is expected there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from atmr_engine.plan import StopKind
from atmr_engine.problem import TimeWindow

if TYPE_CHECKING:
    from atmr_engine.problem import Duty, Problem, Request, Visit
    from atmr_engine.rules import Waiver
    from atmr_engine.simulate.conduct import Conduct


class Standing(StrEnum):
    """Where a known request stands; it goes down this list and ends in one of the last five."""

    OPEN = "open"  # in a route, or waiting for one
    ASIDE = "aside"  # a will-call leg that is out of the routes until the patient is ready
    ON_BOARD = "on_board"  # from the begin of boarding
    ALIGHTING = "alighting"
    SERVED = "served"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    HELD = "held"
    UNSERVED = "unserved"  # at the end of the day


class Phase(StrEnum):
    """What a vehicle does."""

    STANDING = "standing"
    DRIVING = "driving"
    WAITING = "waiting"  # at a stop whose service has not begun
    SERVING = "serving"  # service, cleaning or a break


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A stop that lies ahead; `begin_s` is when it is planned to begin.

    `pause` is the position of a break among its duty's breaks.
    """

    kind: StopKind
    begin_s: float
    place: int | None = None
    request: str | None = None
    pause: int | None = None


@dataclass(slots=True, kw_only=True)
class Vehicle:
    """A duty on the road.

    `place` is where it is or where its leg ends, `free_s` when it is expected to be free there.
    `current` is the stop that it drives to, waits at or serves (None where nothing is to be done
    at the end of a leg), `on_board` maps those inside to the end of their boarding, and
    `breaks_left` are positions among the duty's breaks.
    """

    duty: Duty
    place: int | None
    free_s: float
    phase: Phase = Phase.STANDING
    current: Task | None = None
    ahead: list[Task] = field(default_factory=list)
    on_board: dict[str, float] = field(default_factory=dict)
    breaks_left: list[int] = field(default_factory=list)
    departed_s: float | None = None
    broken: bool = False

    @property
    def fixed(self) -> Task | None:
        """The stop that it has set out for and not begun: nobody changes that any more."""
        under_way = self.phase in {Phase.DRIVING, Phase.WAITING}
        return self.current if under_way and self.current and self.current.request else None

    @property
    def has_work(self) -> bool:
        """Whether anybody is on board or to be served."""
        tasks = [*self.ahead, self.current] if self.current else self.ahead
        return bool(self.on_board) or any(task.request is not None for task in tasks)

    def in_play(self, now_s: float) -> bool:
        """Whether work can still be given to it, or is left."""
        return not self.broken and (self.has_work or now_s < self.duty.shift.close_s)


@dataclass(slots=True, kw_only=True)
class DayState:
    """The day so far: what is planned, what is known, what was done.

    `planning` has the duties, weights and planned driving times, but no requests: those that are
    booked by now are in `known`. `waivers` are the dispatcher's.

    `alighted_s` is the end of drop-off services (an expectation while they last), `driven_by` the
    duty of everybody who was picked up.
    """

    planning: Problem
    conduct: Conduct
    will_call: frozenset[str]
    now_s: float
    vehicles: dict[str, Vehicle]
    waivers: tuple[Waiver, ...] = ()
    known: dict[str, Request] = field(default_factory=dict)
    standing: dict[str, Standing] = field(default_factory=dict)
    told_s: dict[str, float] = field(default_factory=dict)
    ready_s: dict[str, float] = field(default_factory=dict)
    alighted_s: dict[str, float] = field(default_factory=dict)
    driven_by: dict[str, str] = field(default_factory=dict)

    def way_s(self, origin: int | None, destination: int | None) -> float:
        """Planned driving time; nowhere is at no distance from anywhere."""
        if origin is None or destination is None:
            return 0.0
        return float(self.planning.travel.time_s[origin, destination])

    def visit(self, task: Task) -> Visit:
        """The end of the request that a task serves, with today's window.

        Raises:
            KeyError: for a break.

        """
        request = self.known[task.request or ""]
        if task.kind is StopKind.DROPOFF:
            return request.dropoff
        return replace(request.pickup, window=self.pickup_window(request))

    def pickup_window(self, request: Request) -> TimeWindow:
        """The window as booked; from the ready time on where the patient called."""
        ready_s = self.ready_s.get(request.id)
        if ready_s is None:
            return request.pickup.window
        return TimeWindow(ready_s, ready_s + self.conduct.will_call_window_s)

    def is_ready(self, request: str) -> bool:
        """Whether nothing speaks against leaving for a pickup: no will call, or one that is."""
        return request not in self.will_call or request in self.ready_s

    def boards_from_s(self, request: Request) -> float:
        """The earliest begin of boarding as far as window, told time and finished legs go."""
        earliest = self.pickup_window(request).open_s
        if request.id in self.told_s:
            earliest = max(earliest, self.told_s[request.id] - self.conduct.ready_early_s)
        if request.link is not None and request.link.after in self.alighted_s:
            earliest = max(earliest, self.alighted_s[request.link.after] + request.link.stay_s)
        return earliest

    def routed(self) -> dict[str, str]:
        """The duty of every request that is in a route, on board those included."""
        tasks = [
            (task.request, name)
            for name, vehicle in self.vehicles.items()
            for task in (*vehicle.ahead, vehicle.current)
            if task is not None and task.request is not None
        ]
        return dict(tasks)
