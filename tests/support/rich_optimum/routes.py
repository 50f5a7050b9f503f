"""All routes that a duty can drive, by depth-first search over its stops.

Windows, ways, loads, sharing, ride times and breaks cut branches off; of the sequences that serve
the same requests the least cost is told, as a lower bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from support.rich_optimum.convex_cost import Cost, advance, departure
from support.rich_optimum.instances import stated
from support.rich_optimum.timetables import way_s

from atmr_engine.objective import SECONDS_PER_MINUTE
from atmr_engine.problem import DriverKind, Duty, Problem, Request

PROBLEM_FIELDS = frozenset({"requests", "duties", "travel", "weights", "origin"})
REQUEST_FIELDS = frozenset(
    [
        "id",
        "pickup",
        "dropoff",
        "load",
        "max_ride_s",
        "equipment",
        "skills",
        "crew",
        "ride_alone",
        "share_group",
        "cleaning_s",
        "link",
        "priority",
        "locked_duty",
    ]
)
DUTY_FIELDS = frozenset(
    [
        "id",
        "capacity",
        "shift",
        "start_place",
        "end_place",
        "driver",
        "driver_kind",
        "vehicle",
        "equipment",
        "skills",
        "crew",
        "breaks",
        "max_duration_s",
    ]
)
ROUNDING = 1e-7
HERE = -1


class Stop(NamedTuple):
    """A stop as the search reads it; its place may be HERE (a break) or nowhere (the last one)."""

    place: int
    low_s: float
    high_s: float
    spent_s: float


class Found(NamedTuple):
    """A route: its least cost, and the sequence of its stops (numbered as in `timetables`)."""

    cost: float
    sequence: tuple[int, ...]


@dataclass
class Path:
    """The stops so far, and what the search needs to know of them."""

    nodes: list[int] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    begun: dict[int, float] = field(default_factory=dict)
    """The earliest begin of each drop-off."""


class Rider(NamedTuple):
    """Who is on board, and for how long at least when the vehicle leaves."""

    request: int
    ridden_s: float


class Position(NamedTuple):
    """Where the path ends: the last stop, who is on board, who was, breaks taken, and the cost.

    `fixed` is all but waiting: kilometres, working time of ways and services, ride times.
    """

    place: int
    spent_s: float
    riders: tuple[Rider, ...]
    served: int
    breaks: int
    fixed: float


class RouteSearch:
    """The routes of one duty.

    Raises:
        ValueError: for what is not looked at here: waivers, commitments, travel times that a way
            round shortens.

    """

    def __init__(self, problem: Problem, duty: int) -> None:
        refuse_the_unknown(problem)
        self.problem, self.index, self.duty = problem, duty, problem.duties[duty]
        self.requests = problem.requests
        self.visits = 2 * len(self.requests)
        self.time_s = with_nowhere(problem.travel.time_s)
        self.distance_km = with_nowhere(problem.travel.distance_km)
        self.start, self.end = (
            len(self.time_s) - 1 if place is None else place
            for place in (self.duty.start_place, self.duty.end_place)
        )
        self.stops = [stop for request in self.requests for stop in narrowed(problem, request)]
        for pause in self.duty.breaks:
            window = pause.window
            self.stops.append(Stop(HERE, window.open_s, window.close_s, pause.duration_s))
        self.candidates = [k for k, r in enumerate(self.requests) if self.may_carry(r)]
        self.after = [
            problem.request_index[r.link.after] if r.link is not None else -1 for r in self.requests
        ]
        everyone = range(len(self.requests))
        self.never_before = [  # itself, and the legs that follow it
            sum(1 << other for other in everyone if request in {other, self.after[other]})
            for request in everyone
        ]
        self.never_with = [
            sum(1 << other for other in everyone if not self.may_share(request, other))
            for request in everyone
        ]
        weights = problem.weights
        self.riding = weights.detour_min / SECONDS_PER_MINUTE
        self.working = weights.working_min / SECONDS_PER_MINUTE
        self.idle = self.working + weights.waiting_min / SECONDS_PER_MINUTE
        self.used = weights.duties_used
        if self.duty.driver_kind is DriverKind.EMERGENCY:
            self.used += weights.emergency_duties

    def may_carry(self, request: Request) -> bool:
        """Whether the duty has what the request needs, and is not refused by a pin."""
        duty = self.duty
        return (
            request.skills <= duty.skills
            and request.equipment <= duty.equipment
            and request.crew <= duty.crew
            and request.locked_duty in {None, duty.id}
            and self.loads_fit([request])
        )

    def loads_fit(self, riders: Sequence[Request]) -> bool:
        """Whether so many places are there at once."""
        capacity = self.duty.capacity
        wheelchairs = sum(rider.load.wheelchairs for rider in riders)
        stretchers = sum(rider.load.stretchers for rider in riders)
        seats = sum(rider.load.seats for rider in riders)
        seats += capacity.fold_seats_per_wheelchair * wheelchairs
        seats += capacity.fold_seats_per_stretcher * stretchers
        return (
            wheelchairs <= capacity.wheelchairs
            and stretchers <= capacity.stretchers
            and seats <= capacity.seats
        )

    def bounds(self) -> dict[int, float]:
        """For each set of requests (bit k: request k) that one route can serve, its least cost.

        A lower bound: ride times, the duration and links are kept as far as ways alone can say.
        """
        least: dict[int, float] = {}
        for mask, bound, _ in self.walk(self.candidates):
            least[mask] = min(bound, least.get(mask, bound))
        return least

    def all_for(self, mask: int) -> list[Found]:
        """Every sequence for one set of requests with a lower bound of its cost, cheapest first."""
        members = [k for k in self.candidates if mask >> k & 1]
        found = [
            Found(bound, tuple(path.nodes))
            for served, bound, path in self.walk(members, mask)
            if served == mask
        ]
        return sorted(found)

    def walk(self, requests: Sequence[int], needed: int = 0) -> Iterator[tuple[int, float, Path]]:
        """Each complete route over some of the requests: whom it serves, a bound, its path.

        Where a route can no longer serve all of the `needed` (bits), it is left.
        The path goes on changing: take from it what is needed before the next step.
        """
        shift = self.duty.shift
        path = Path(costs=[departure(shift.open_s, shift.close_s)])
        first = Position(self.start, 0.0, (), 0, 0, self.used)
        yield from self._from(path, first, requests, needed)

    def _from(
        self, path: Path, position: Position, requests: Sequence[int], needed: int
    ) -> Iterator[tuple[int, float, Path]]:
        if not position.riders and position.served:
            bound = self.closed(path, position)
            if bound is not None:
                yield position.served, bound, path
        for node in self.next_nodes(path, position, requests):
            following = self.step(path, position, node)
            if following is not None:
                if not (needed and self.too_late_for(path, following, requests, needed)):
                    yield from self._from(path, following, requests, needed)
                path.nodes.pop()
                path.costs.pop()

    def next_nodes(self, path: Path, position: Position, requests: Sequence[int]) -> Iterator[int]:
        """Stops that order, links, loads, sharing, breaks and windows allow next."""
        on_board = 0
        for rider in position.riders:
            on_board |= 1 << rider.request
            yield 2 * rider.request + 1
        if not on_board:
            yield from (
                self.visits + pause
                for pause in range(len(self.duty.breaks))
                if not position.breaks >> pause & 1
            )
        taken = position.served | on_board
        leave_s = path.costs[-1].first_s + position.spent_s
        for request in requests:
            if (
                not taken & self.never_before[request]
                and not on_board & self.never_with[request]
                and leave_s <= self.stops[2 * request].high_s
                and self.has_room(request, position.riders)
            ):
                yield 2 * request

    def too_late_for(
        self, path: Path, position: Position, requests: Sequence[int], needed: int
    ) -> bool:
        """Whether somebody who is needed can no longer be picked up."""
        still = needed & ~position.served
        for rider in position.riders:
            still &= ~(1 << rider.request)
        leave_s = path.costs[-1].first_s + position.spent_s
        return any(
            still >> request & 1 and leave_s > self.stops[2 * request].high_s
            for request in requests
        )

    def has_room(self, request: int, riders: Sequence[Rider]) -> bool:
        """Whether one more has a place."""
        boarding = self.requests[request]
        return not riders or self.loads_fit(
            [*(self.requests[rider.request] for rider in riders), boarding]
        )

    def may_share(self, request: int, other: int) -> bool:
        """Whether two may be on board at once, by their rules and the order of their links."""
        one, two = self.requests[request], self.requests[other]
        return not (
            one.ride_alone
            or two.ride_alone
            or one.share_group != two.share_group
            or self.after[request] == other
        )

    def step(self, path: Path, position: Position, node: int) -> Position | None:
        """Go on to a stop, if that can be in time for it and for all on board; extends the path."""
        stop, request = self.stops[node], node // 2
        place = position.place if stop.place == HERE else stop.place
        drive_s = self.time_s[position.place][place]
        gap_s, on_board = position.spent_s + drive_s, len(position.riders)
        waiting = self.idle + self.riding * on_board
        low_s = max(stop.low_s, self.ready_s(path, position, node))
        cost = advance(path.costs[-1], gap_s, waiting, low_s, stop.high_s)
        if cost is None:
            return None
        riders = tuple(
            Rider(rider.request, rider.ridden_s + drive_s)
            for rider in position.riders
            if 2 * rider.request + 1 != node
        )
        if not self.in_time(riders, place, cost.first_s + stop.spent_s, stop.spent_s):
            return None
        served, breaks = position.served, position.breaks
        if node >= self.visits:
            breaks |= 1 << (node - self.visits)
        if self.misses_a_break(breaks, cost.first_s + stop.spent_s):
            return None
        fixed = position.fixed + self.moved(position.place, place)
        fixed += self.working * (drive_s + stop.spent_s)
        fixed += self.riding * (drive_s * on_board + stop.spent_s * len(riders))
        riders = tuple(Rider(r.request, r.ridden_s + stop.spent_s) for r in riders)
        if node < self.visits and node % 2:
            served |= 1 << request
            fixed -= self.riding * self.direct_s(request)
            path.begun[request] = cost.first_s
        elif node < self.visits:
            riders = (*riders, Rider(request, 0.0))
        path.nodes.append(node)
        path.costs.append(cost)
        return Position(place, stop.spent_s, riders, served, breaks, fixed)

    def misses_a_break(self, taken: int, now_s: float) -> bool:
        """Whether a break's window has closed with the break still to come."""
        return any(
            not taken >> index & 1 and now_s > self.stops[self.visits + index].high_s
            for index in range(len(self.duty.breaks))
        )

    def ready_s(self, path: Path, position: Position, node: int) -> float:
        """When a pickup may be at the earliest after the linked leg on this route."""
        if node >= self.visits or node % 2:
            return -np.inf
        link, before = self.requests[node // 2].link, self.after[node // 2]
        if link is None or not position.served >> before & 1:
            return -np.inf
        return path.begun[before] + self.requests[before].dropoff.service_s + link.stay_s

    def in_time(self, riders: Sequence[Rider], place: int, leave_s: float, spent_s: float) -> bool:
        """Whether each on board could be driven straight to the door from here, and home after."""
        for rider in riders:
            request = self.requests[rider.request]
            way = self.time_s[place][request.dropoff.place]
            if rider.ridden_s + spent_s + way > request.max_ride_s + ROUNDING:
                return False
            if leave_s + way > self.stops[2 * rider.request + 1].high_s + ROUNDING:
                return False
        return leave_s + self.time_s[place][self.end] <= (self.duty.shift.close_s + ROUNDING)

    def closed(self, path: Path, position: Position) -> float | None:
        """A lower bound of the route's cost when it ends here; None where it may not."""
        if position.breaks != (1 << len(self.duty.breaks)) - 1:
            return None
        drive_s = self.time_s[position.place][self.end]
        gap_s = position.spent_s + drive_s
        cost = advance(path.costs[-1], gap_s, self.idle, -np.inf, self.duty.shift.close_s)
        if cost is None:
            return None
        fixed = position.fixed + self.moved(position.place, self.end)
        return fixed + self.working * drive_s + cost.value

    def moved(self, here: int, there: int) -> float:
        """What the kilometres between two places cost."""
        return self.problem.weights.distance_km * self.distance_km[here][there]

    def direct_s(self, request: int) -> float:
        visits = self.requests[request]
        return self.time_s[visits.pickup.place][visits.dropoff.place]


def with_nowhere(matrix: NDArray[np.float64]) -> list[list[float]]:
    """The matrix as lists, with one more place at no distance from any."""
    wider: list[list[float]] = np.pad(matrix, ((0, 1), (0, 1))).tolist()
    return wider


def narrowed(problem: Problem, request: Request) -> tuple[Stop, Stop]:
    """Pickup and drop-off with the windows that their own ride time leaves of each other's."""
    pickup, dropoff = request.pickup, request.dropoff
    direct = pickup.service_s + way_s(problem, pickup.place, dropoff.place)
    longest = pickup.service_s + request.max_ride_s
    return (
        Stop(
            pickup.place,
            max(pickup.window.open_s, dropoff.window.open_s - longest),
            min(pickup.window.close_s, dropoff.window.close_s - direct),
            pickup.service_s,
        ),
        Stop(
            dropoff.place,
            max(dropoff.window.open_s, pickup.window.open_s + direct),
            min(dropoff.window.close_s, pickup.window.close_s + longest),
            dropoff.service_s + request.cleaning_s,
        ),
    )


def refuse_the_unknown(problem: Problem) -> None:
    """Raise where the search would not be exact."""
    said: list[tuple[Problem | Request | Duty, frozenset[str]]] = [(problem, PROBLEM_FIELDS)]
    said += [(request, REQUEST_FIELDS) for request in problem.requests]
    said += [(duty, DUTY_FIELDS) for duty in problem.duties]
    for part, known in said:
        if unknown := sorted(set(stated(part)) - known):
            raise ValueError(f"not looked at: {', '.join(unknown)}")
    if problem.travel.knots_s is not None:
        raise ValueError("not looked at: travel times by time of day")
    times = problem.travel.time_s
    for via in range(len(times)):
        if np.any(times[:, via, None] + times[None, via] < times - ROUNDING):
            raise ValueError(f"a way round by place {via} is quicker than a direct one")
