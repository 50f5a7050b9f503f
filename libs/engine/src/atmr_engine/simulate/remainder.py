"""The rest of a running day as a Problem of its own, in which the present plan is valid.

What was driven is not told as it was: a day that runs ahead of its matrix would break TRAVEL, which
nobody can waive. Instead each duty begins where and when it is next free, with those on board
boarding there (committed), then the stop that it has set out for (committed).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from atmr_engine.objective import driver_of
from atmr_engine.plan import Plan, StopKind, Unserved
from atmr_engine.problem import Break, Committed, Problem, SameDriver, TimeWindow, Visit
from atmr_engine.rules import Rule, Waiver
from atmr_engine.simulate.day_state import Phase, Standing
from atmr_engine.simulate.projection import Leg, Projection, ride_s

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from atmr_engine.plan import Route
    from atmr_engine.problem import Duty, Link, Request
    from atmr_engine.simulate.day_state import DayState, Vehicle

MARGIN_S = 1.0
"""Waivers reach this much further than the projection, so that rounding breaks nothing."""
ON_THE_ROAD = -1
"""A break of no length at the moment when a duty that has left home is next free: with it the
duty's working time, and its waiting, count from there and not from its next departure."""
GRANTED_BY = "the running day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """`present` is the plan as it will be driven if nobody changes it; it keeps all of `problem`.

    The first `heads[duty]` stops after a route's start are history or under way; `pauses[duty]`
    says which of the duty's breaks the ones in `problem` are, or `ON_THE_ROAD`.
    """

    problem: Problem
    present: Plan
    heads: Mapping[str, int]
    pauses: Mapping[str, tuple[int, ...]]


def remainder(state: DayState) -> Remainder:
    """State what is left of the day: actual delays of the present plan are waived as they are."""
    rest = _Rest(state)
    return rest.stated()


class _Rest:
    """The parts of a remainder, in the order in which they follow from each other."""

    def __init__(self, state: DayState) -> None:
        self.state = state
        vehicles = [v for v in state.vehicles.values() if v.in_play(state.now_s)]
        self.pauses = {v.duty.id: self._pauses(v) for v in vehicles}
        duties = {v.duty.id: self._duty(v) for v in vehicles}
        self.vehicles = [v for v in vehicles if v.has_work or _has_time(duties[v.duty.id])]
        self.duties = {v.duty.id: duties[v.duty.id] for v in self.vehicles}
        self.routed = state.routed()
        self.requests = {request.id: request for request in self._requests()}

    def stated(self) -> Remainder:
        legs = {vehicle.duty.id: self._legs(vehicle) for vehicle in self.vehicles}
        projection = Projection(self.state.planning.travel, self.requests)
        routes = projection.routes(list(self.duties.values()), legs)
        alighted_s = projection.alighted_s(routes)
        bare = [
            projection.route(self.duties[name], first, alighted_s)
            for name, every in legs.items()
            if (first := self._bare(every, self.duties[name]))
        ]
        for route in (*routes, *bare):
            self.duties[route.duty] = widened(self.duties[route.duty], route)
        served = {name for route in routes for name in route.requests}
        problem = replace(
            self.state.planning,
            requests=tuple(self.requests.values()),
            duties=tuple(self.duties.values()),
            waivers=(
                *self._granted(),
                *delays([*routes, *bare], self.requests),
                *self._rescues(served),
            ),
        )
        left_out = [name for name in self.requests if name not in served]
        return Remainder(
            problem=problem,
            present=Plan(routes=tuple(routes), unserved=tuple(_open(name) for name in left_out)),
            heads={duty.id: len(duty.committed) for duty in problem.duties},
            pauses={name: tuple(kept) for name, kept in self.pauses.items()},
        )

    def _duty(self, vehicle: Vehicle) -> Duty:
        """The duty from where and when it is next free."""
        duty, free_s = vehicle.duty, self._free_s(vehicle)
        first = [Committed(kind="pickup", request=r, begin_s=free_s) for r in vehicle.on_board]
        if vehicle.fixed is not None:
            first.append(Committed(kind=vehicle.fixed.kind, request=vehicle.fixed.request))
        out_s = 0.0 if vehicle.departed_s is None else free_s - vehicle.departed_s
        return replace(
            duty,
            start_place=vehicle.place,
            shift=TimeWindow(free_s, max(free_s, duty.shift.close_s + self._overtime_s(duty))),
            breaks=tuple(self.pauses[duty.id].values()),
            max_duration_s=max(0.0, duty.max_duration_s - out_s),
            committed=tuple(first),
            skills=duty.skills | {_driver_skill(duty)},
        )

    def _free_s(self, vehicle: Vehicle) -> float:
        if vehicle.phase is Phase.WAITING:
            return self.state.now_s
        return max(vehicle.free_s, self.state.now_s)

    def _pauses(self, vehicle: Vehicle) -> dict[int, Break]:
        """Breaks still to be taken, in the order in which they are planned.

        A duty with work has them in its route; one that leaves home after a break's window needs
        it no more. One that has left home stands on the road from now on (`ON_THE_ROAD`).
        """
        free_s, left = self._free_s(vehicle), {}
        if vehicle.departed_s is not None and not vehicle.on_board and vehicle.fixed is None:
            left[ON_THE_ROAD] = Break(duration_s=0.0, window=TimeWindow(free_s, free_s))
        positions = [task.pause for task in vehicle.ahead if task.pause is not None]
        if not vehicle.has_work:
            positions += [due for due in vehicle.breaks_left if due not in positions]
        for position in positions:
            pause = vehicle.duty.breaks[position]
            opens, closes = pause.window.open_s, pause.window.close_s
            if closes < free_s and vehicle.departed_s is None and not vehicle.has_work:
                continue
            window = TimeWindow(max(opens, free_s), max(closes, free_s))
            left[position] = replace(pause, window=window)
        return left

    def _requests(self) -> Iterator[Request]:
        for vehicle in self.vehicles:
            for name in vehicle.on_board:
                yield self._on_board(vehicle, self.state.known[name])
        for name, request in self.state.known.items():
            if self.state.standing[name] is Standing.OPEN and self._can_be_planned(request):
                yield self._open_request(request)

    def _can_be_planned(self, request: Request) -> bool:
        """Not for ever out of reach: its window, and the duty that it is pinned to."""
        if request.id in self.routed:
            return True
        if request.locked_duty is not None and request.locked_duty not in self.duties:
            return False
        latest_s = self.state.pickup_window(request).close_s
        if self._is_owed(request.id):
            latest_s += self.state.conduct.rescue_s
        return latest_s >= self.state.now_s

    def _on_board(self, vehicle: Vehicle, request: Request) -> Request:
        """Boards where the vehicle is next free, with the ride time that is left."""
        free_s = self._free_s(vehicle)
        ridden_s = max(0.0, free_s - vehicle.on_board[request.id])
        here = request.pickup.place if vehicle.place is None else vehicle.place
        return replace(
            request,
            pickup=Visit(place=here, window=TimeWindow(free_s, free_s)),
            max_ride_s=max(0.0, request.max_ride_s - ridden_s),
            link=None,
        )

    def _open_request(self, request: Request) -> Request:
        window = self.state.pickup_window(request)
        opens = max(window.open_s, self.state.boards_from_s(request))
        closes = max(opens, window.close_s)
        told_s = self.state.told_s.get(request.id)
        if told_s is not None:
            slack_s = self.state.conduct.told_slack_s
            opens = max(opens, told_s - slack_s)
            closes = max(opens, min(closes, told_s + slack_s))
        link, skills = request.link, request.skills
        if link is not None and not self._is_ahead(link.after):
            if link.same_driver is SameDriver.REQUIRE:
                skills = skills | self._required_driver(link)
            link = None
        return replace(
            request,
            pickup=replace(request.pickup, window=TimeWindow(opens, closes)),
            link=link,
            skills=skills,
        )

    def _is_ahead(self, name: str) -> bool:
        """Whether a linked leg is part of the rest of the day."""
        standing = self.state.standing.get(name)
        if standing is Standing.ON_BOARD:
            return any(name in vehicle.on_board for vehicle in self.vehicles)
        before = self.state.known.get(name)
        return standing is Standing.OPEN and before is not None and self._can_be_planned(before)

    def _required_driver(self, link: Link) -> frozenset[str]:
        """The driver who made the leg before, told as a skill that nobody else has."""
        duty = self.state.driven_by.get(link.after)
        if duty is None:
            return frozenset()
        return frozenset({_driver_skill(self.state.vehicles[duty].duty)})

    def _legs(self, vehicle: Vehicle) -> list[Leg]:
        """What lies ahead; nothing where nobody is left to be served."""
        if not vehicle.has_work:
            return []
        pauses = self.pauses[vehicle.duty.id]
        fixed = [] if vehicle.fixed is None else [vehicle.fixed]
        first = [Leg(StopKind.PICKUP, request=name) for name in vehicle.on_board]
        if ON_THE_ROAD in pauses:
            first = [Leg(StopKind.BREAK, pause=pauses[ON_THE_ROAD])]
        return first + [
            Leg(task.kind, task.request, None if task.pause is None else pauses[task.pause])
            for task in (*fixed, *vehicle.ahead)
        ]

    def _bare(self, legs: list[Leg], duty: Duty) -> list[Leg]:
        """Those of a duty's stops that nobody can take away; the engine begins with them alone.

        That they can be kept does not follow from the whole route: where a break is waited for, the
        way home from an earlier stop may end later.
        """
        kept = {stop.request for stop in duty.committed}
        return [leg for leg in legs if leg.request in kept or leg.request is None] if kept else []

    def _granted(self) -> Iterator[Waiver]:
        """The dispatcher's waivers for who is left; those of shifts are in the shifts."""
        for waiver in self.state.waivers:
            left = waiver.subject in self.requests or waiver.subject in self.duties
            if left and waiver.rule is not Rule.SHIFT:
                yield waiver

    def _overtime_s(self, duty: Duty) -> float:
        granted = (w for w in self.state.waivers if (w.rule, w.subject) == (Rule.SHIFT, duty.id))
        return max((waiver.excess_s for waiver in granted), default=0.0)

    def _rescues(self, served: set[str]) -> Iterator[Waiver]:
        """Leave to be late for those who were told a time, or are ready, and have no vehicle."""
        for name, request in self.requests.items():
            if name not in served and self._is_owed(name):
                passed_s = max(0.0, self.state.now_s - request.pickup.window.close_s)
                excess_s = self.state.conduct.rescue_s + passed_s
                if excess_s > 0.0:
                    yield _waiver(Rule.WINDOW, name, excess_s, "was promised and has no vehicle")

    def _is_owed(self, request: str) -> bool:
        return request in self.state.told_s or request in self.state.ready_s


def widened(duty: Duty, route: Route) -> Duty:
    """The duty with as much shift, duration and break window as its present route needs.

    The shift is widened itself: a waiver would let the vehicle leave before it is free, too.
    """
    pauses = [stop for stop in route.stops if stop.kind is StopKind.BREAK]
    breaks = [
        replace(
            pause,
            window=TimeWindow(pause.window.open_s, max(pause.window.close_s, stop.begin_s)),
        )
        for pause, stop in zip(duty.breaks, pauses, strict=False)
    ]
    back_s, out_s = route.stops[-1].end_s, route.stops[-1].end_s - route.stops[0].end_s
    return replace(
        duty,
        breaks=(*breaks, *duty.breaks[len(breaks) :]),
        shift=TimeWindow(duty.shift.open_s, max(duty.shift.close_s, back_s + MARGIN_S)),
        max_duration_s=max(duty.max_duration_s, out_s + MARGIN_S),
    )


def delays(routes: list[Route], requests: Mapping[str, Request]) -> Iterator[Waiver]:
    """Waivers for what the routes, as they stand, will be late."""
    for route in routes:
        late_s: dict[str, float] = {}
        for stop in route.stops:
            if stop.request is None:
                continue
            request = requests[stop.request]
            visit = request.pickup if stop.kind is StopKind.PICKUP else request.dropoff
            late = stop.begin_s - visit.window.close_s
            late_s[stop.request] = max(late, late_s.get(stop.request, 0.0))
        for name, late in late_s.items():
            if late > 0.0:
                yield _waiver(Rule.WINDOW, name, late + MARGIN_S, "the vehicle is late")
        for name, ride in ride_s(route, requests).items():
            over = ride - requests[name].max_ride_s
            if over > 0.0:
                yield _waiver(Rule.RIDE_TIME, name, over + MARGIN_S, "the ride takes longer")


def _waiver(rule: Rule, subject: str, excess_s: float, reason: str) -> Waiver:
    return Waiver(
        rule=rule, subject=subject, excess_s=excess_s, reason=reason, granted_by=GRANTED_BY
    )


def _has_time(duty: Duty) -> bool:
    """Whether the breaks that a duty still has to take fit into its shift."""
    shift = duty.shift
    return shift.open_s < shift.close_s and all(
        pause.window.open_s + pause.duration_s <= shift.close_s for pause in duty.breaks
    )


def _open(request: str) -> Unserved:
    return Unserved(request=request, rule=Rule.COVERAGE, reason="it is not planned yet")


def _driver_skill(duty: Duty) -> str:
    return f"being {driver_of(duty)}"
