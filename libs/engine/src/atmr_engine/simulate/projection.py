"""When the stops that lie ahead will be, if everybody drives on as planned: a forward pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from atmr_engine.plan import PlannedStop, Route, StopKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from atmr_engine.problem import Break, Duty, Request, Travel

SETTLED_S = 1e-6


@dataclass(frozen=True, slots=True)
class Leg:
    """A stop to be timed: of a request, or a break."""

    kind: StopKind
    request: str | None = None
    pause: Break | None = None


@dataclass(frozen=True, slots=True)
class Projection:
    """Timetables of sequences of stops; service begins as early as possible everywhere."""

    travel: Travel
    requests: Mapping[str, Request]

    def routes(self, duties: Sequence[Duty], legs: Mapping[str, Sequence[Leg]]) -> list[Route]:
        """A route for each duty that has legs, from its shift's begin and start place on.

        A pickup waits for the leg that it is linked to, on whichever duty that is; times are
        settled in rounds, one for each leg of the longest chain.
        """
        driven = [duty for duty in duties if legs.get(duty.id)]
        alighted: dict[str, float] = {}
        for _ in range(len(self.requests) + 2):
            routes = [self.route(duty, legs[duty.id], alighted) for duty in driven]
            settled = self.alighted_s(routes)
            if all(abs(at - alighted.get(name, -1.0)) < SETTLED_S for name, at in settled.items()):
                break
            alighted = settled
        return routes if driven else []

    def route(self, duty: Duty, legs: Sequence[Leg], alighted: Mapping[str, float]) -> Route:
        """One duty's timetable, given when others' drop-offs are done."""
        place, free_s = duty.start_place, duty.shift.open_s
        stops: list[PlannedStop] = []
        for leg in legs:
            stop = self._stop(leg, place, free_s, alighted)
            stops.append(stop)
            place, free_s = stop.place, stop.end_s
        stops[0] = replace(stops[0], arrival_s=stops[0].begin_s)  # it departs as late as it can
        departure = stops[0].begin_s - self._way_s(duty.start_place, stops[0].place)
        start = _instant(StopKind.START, duty.start_place, departure)
        back = free_s + self._way_s(place, duty.end_place)
        return Route(
            duty=duty.id, stops=(start, *stops, _instant(StopKind.END, duty.end_place, back))
        )

    def _stop(
        self, leg: Leg, place: int | None, free_s: float, alighted: Mapping[str, float]
    ) -> PlannedStop:
        if leg.pause is not None:
            begin = max(free_s, leg.pause.window.open_s)
            there, arrival, spent = place, free_s, leg.pause.duration_s
        else:
            request = self.requests[leg.request or ""]
            boards = leg.kind is StopKind.PICKUP
            visit = request.pickup if boards else request.dropoff
            there, spent = visit.place, visit.service_s + (0.0 if boards else request.cleaning_s)
            arrival = free_s + self._way_s(place, there)
            begin = max(arrival, visit.window.open_s)
            if boards and request.link is not None and request.link.after in alighted:
                begin = max(begin, alighted[request.link.after] + request.link.stay_s)
        return PlannedStop(
            kind=leg.kind,
            place=there,
            arrival_s=arrival,
            begin_s=begin,
            end_s=begin + spent,
            request=leg.request,
        )

    def alighted_s(self, routes: Sequence[Route]) -> dict[str, float]:
        """When each drop-off's service ends."""
        return {
            stop.request: stop.begin_s + self.requests[stop.request].dropoff.service_s
            for route in routes
            for stop in route.stops
            if stop.kind is StopKind.DROPOFF and stop.request is not None
        }

    def _way_s(self, origin: int | None, destination: int | None) -> float:
        if origin is None or destination is None:
            return 0.0
        return float(self.travel.time_s[origin, destination])


def _instant(kind: StopKind, place: int | None, at_s: float) -> PlannedStop:
    return PlannedStop(kind=kind, place=place, arrival_s=at_s, begin_s=at_s, end_s=at_s)


def ride_s(route: Route, requests: Mapping[str, Request]) -> dict[str, float]:
    """Seconds on board of everybody whom a route drops off: end of boarding to drop-off."""
    boarded: dict[str, float] = {}
    rides: dict[str, float] = {}
    for stop in route.stops:
        if stop.request is None:
            continue
        if stop.kind is StopKind.PICKUP:
            boarded[stop.request] = stop.begin_s + requests[stop.request].pickup.service_s
        else:
            rides[stop.request] = stop.begin_s - boarded[stop.request]
    return rides
