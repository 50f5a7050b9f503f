"""What really happens on a day, whatever anybody decides: traffic, patients, vehicles.

Driving takes its time through the hours it passes: the vehicle covers a leg at the pace of each
hour and incident in turn (Ichoua, Gendreau and Potvin 2003), so who leaves later arrives later.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from atmr_engine.simulate.draws import Draws
from atmr_engine.simulate.noise import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from atmr_engine.problem import Problem, Request
    from atmr_engine.simulate.noise import Noise

ALWAYS = -math.inf
"""When a request was booked that the evening's plan already knew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """What is true of one request; times are seconds of the problem's clock."""

    booked_s: float = ALWAYS
    cancelled_s: float | None = None
    shows_up: bool = True
    ready_s: float | None = None
    """When a will-call patient is ready; None: this is no will-call leg."""
    boarding_factor: float = 1.0
    alighting_factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A corridor around `place` that takes `factor` times as long from `begin_s` to `end_s`.

    A leg leads through it where the way over its place is at most `reach` longer than without.
    """

    place: int
    begin_s: float
    end_s: float
    factor: float
    reach: float


def _unchanged(*_: int) -> float:
    return 1.0


@dataclass(frozen=True, kw_only=True)
class Truth:
    """One day as it happens. `problem` has every request of the day and free-flow travel times."""

    problem: Problem
    facts: Mapping[str, RequestFacts] = field(default_factory=dict)
    breakdown_s: Mapping[str, float] = field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()
    hour_factor: Callable[[int], float] = _unchanged
    leg_factor: Callable[[int, int], float] = _unchanged

    def __post_init__(self) -> None:
        if (self.problem.travel.time_s.diagonal() != 0.0).any():
            raise ValueError("travel.time_s: a way from a place to itself must take no time")

    def of(self, request: str) -> RequestFacts:
        """The facts of a request: as planned where nothing else is said."""
        return self.facts.get(request, _AS_PLANNED)

    def arrival_s(self, origin: int | None, destination: int | None, departure_s: float) -> float:
        """When a vehicle arrives that leaves `origin` at `departure_s`."""
        if origin is None or destination is None or origin == destination:
            return departure_s
        left_s = float(self.problem.travel.time_s[origin, destination])
        if not math.isfinite(left_s):
            raise ValueError(f"there is no way from place {origin} to place {destination}")
        left_s *= self.leg_factor(origin, destination)
        slowed = [i for i in self.incidents if self.leads_through(i, origin, destination)]
        moment = departure_s
        while True:
            pace = self._pace(slowed, moment)
            until = _next_change(slowed, moment)
            if moment + left_s * pace <= until:
                return moment + left_s * pace
            left_s -= (until - moment) / pace
            moment = until

    def leads_through(self, incident: Incident, origin: int, destination: int) -> bool:
        """Whether a leg is slowed while an incident lasts."""
        km = self.problem.travel.distance_km
        over = km[origin, incident.place] + km[incident.place, destination]
        return bool(over <= (1.0 + incident.reach) * km[origin, destination])

    def _pace(self, slowed: list[Incident], moment: float) -> float:
        """Seconds that a second of free driving takes at a moment."""
        factor = self.hour_factor(math.floor(moment / HOUR))
        for incident in slowed:
            if incident.begin_s <= moment < incident.end_s:
                factor *= incident.factor
        return factor


_AS_PLANNED = RequestFacts()


def _next_change(slowed: list[Incident], moment: float) -> float:
    """When the pace changes next: at the full hour, or with an incident."""
    changes = [(math.floor(moment / HOUR) + 1) * HOUR]
    changes += [at for i in slowed for at in (i.begin_s, i.end_s) if at > moment]
    return min(changes)


def realise(
    problem: Problem,
    noise: Noise,
    seed: int,
    day: int = 0,
    will_call: frozenset[str] = frozenset(),
) -> Truth:
    """Draw a day: the same for the same problem, noise, seed and day.

    `will_call` names the requests whose pickup window opens at a mere forecast.

    Raises:
        ValueError: for a seed or a day that is negative or beyond 64 bits.

    """
    draws = Draws(noise, seed, day)
    facts: dict[str, RequestFacts] = {}
    for request in problem.requests:
        _draw_facts(problem, draws, request, will_call, facts)
    shifts = [(duty.id, duty.shift.open_s, duty.shift.close_s) for duty in problem.duties]
    shares = {name: draws.breakdown_share(name) for name, _, _ in shifts}
    return Truth(
        problem=problem,
        facts=facts,
        breakdown_s={
            name: opens + share * (closes - opens)
            for name, opens, closes in shifts
            if (share := shares[name]) is not None
        },
        incidents=_incidents(problem, draws),
        hour_factor=_remembered(draws.hour_factor),
        leg_factor=_remembered(draws.leg_factor),
    )


def _remembered(draw: Callable[..., float]) -> Callable[..., float]:
    known: dict[tuple[int, ...], float] = {}

    def look_up(*key: int) -> float:
        if key not in known:
            known[key] = draw(*key)
        return known[key]

    return look_up


def _incidents(problem: Problem, draws: Draws) -> tuple[Incident, ...]:
    drawn = draws.incident()
    if drawn is None or not problem.duties:
        return ()
    first = min(duty.shift.open_s for duty in problem.duties)
    last = max(duty.shift.close_s for duty in problem.duties)
    begin_s = first + drawn[1] * (last - first)
    return (
        Incident(
            place=int(drawn[0] * len(problem.travel.time_s)),
            begin_s=begin_s,
            end_s=begin_s + draws.noise.incident_s,
            factor=draws.noise.incident_factor,
            reach=draws.noise.incident_reach,
        ),
    )


def usual_pickup_s(problem: Problem, request: Request) -> float:
    """When the pickup is to be expected: at its window's begin, or just in time for the drop-off's.

    Cancellations and bookings of the day are timed from there, whatever the plan says.
    """
    if not math.isfinite(request.dropoff.window.close_s):
        return request.pickup.window.open_s
    direct_s = float(problem.travel.time_s[request.pickup.place, request.dropoff.place])
    in_time = request.dropoff.window.open_s - direct_s - request.pickup.service_s
    return max(request.pickup.window.open_s, in_time)


def _draw_facts(
    problem: Problem,
    draws: Draws,
    request: Request,
    will_call: frozenset[str],
    facts: dict[str, RequestFacts],
) -> RequestFacts:
    """The facts of a request, and before them those of the leg that it follows.

    Both legs are booked together, and who is not there for the first needs no second.
    """
    if request.id in facts:
        return facts[request.id]
    before = None
    if request.link is not None:
        linked = problem.requests[problem.request_index[request.link.after]]
        before = _draw_facts(problem, draws, linked, will_call, facts)
    usual_s = usual_pickup_s(problem, request)
    notice_s = draws.booking_notice_s(request.id) if before is None else None
    booked_s = ALWAYS if notice_s is None else usual_s - notice_s
    if before is not None:
        booked_s = before.booked_s
    facts[request.id] = RequestFacts(
        booked_s=booked_s,
        cancelled_s=_cancelled_s(draws, request, usual_s, booked_s),
        shows_up=draws.shows_up(request.id) and (before is None or before.shows_up),
        ready_s=_ready_s(draws, request, booked_s) if request.id in will_call else None,
        boarding_factor=draws.boarding_factor(request.id),
        alighting_factor=draws.alighting_factor(request.id),
    )
    return facts[request.id]


def _ready_s(draws: Draws, request: Request, booked_s: float) -> float:
    ready_s = request.pickup.window.open_s + draws.readiness_delay_s(request.id)
    return max(ready_s, booked_s)


def _cancelled_s(draws: Draws, request: Request, usual_s: float, booked_s: float) -> float | None:
    """When it is called off for its own sake; never before it was booked."""
    notice_s = draws.cancellation_notice_s(request.id)
    return None if notice_s is None else max(usual_s - notice_s, booked_s)
