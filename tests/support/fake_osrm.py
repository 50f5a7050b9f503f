"""An OSRM in this process, behind httpx's MockTransport: its dialect, limits and quirks.

Distances are of a plane in which northward is slower than southward, so that
an answer that was transposed or mixed up shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from urllib.parse import parse_qs

import httpx

Place = tuple[float, float]  # longitude, latitude, as in OSRM's URLs
Answer = httpx.Response | Exception

METRES_PER_DEGREE = 100_000.0


class FakeOsrm:
    """Counts its requests; `faults` are answered first, in turn; `on_request` sees every one."""

    def __init__(self, max_table_size: int = 100) -> None:
        self.max_table_size = max_table_size
        self.requests: list[httpx.URL] = []
        self.faults: list[Answer] = []
        self.down = False
        self.on_request: Callable[[], None] = lambda: None
        self.islands: set[Place] = set()
        self.snap_m: dict[Place, float] = {}
        self.negative: set[tuple[Place, Place]] = set()
        self.no_route = False

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request.url)
        self.on_request()
        if self.down:
            raise httpx.ConnectError("connection refused", request=request)
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        _, service, _, _, coordinates = request.url.path.split("/")
        places = [_place(text) for text in coordinates.split(";")]
        query = parse_qs(request.url.query.decode())
        return self._route(places) if service == "route" else self._table(places, query)

    def pairs_asked(self) -> int:
        queries = [parse_qs(url.query.decode()) for url in self.requests]
        return sum(
            len(_indices(query, "sources")) * len(_indices(query, "destinations"))
            for query in queries
            if "sources" in query
        )

    def _table(self, places: list[Place], query: dict[str, list[str]]) -> httpx.Response:
        origins = [places[i] for i in _indices(query, "sources")]
        destinations = [places[i] for i in _indices(query, "destinations")]
        if len(origins) * len(destinations) > self.max_table_size**2:
            return httpx.Response(400, json={"code": "TooBig", "message": "Too many coordinates"})
        assert query["annotations"] == ["duration,distance"]
        assert query["generate_hints"] == ["false"]
        return httpx.Response(
            200,
            json={
                "code": "Ok",
                "durations": [[self._time_s(a, b) for b in destinations] for a in origins],
                "distances": [[self._table_m(a, b) for b in destinations] for a in origins],
                "sources": [self._waypoint(place) for place in origins],
                "destinations": [self._waypoint(place) for place in destinations],
            },
        )

    def _route(self, places: list[Place]) -> httpx.Response:
        if self.no_route:
            return httpx.Response(400, json={"code": "NoRoute", "message": "No route found"})
        legs = {"duration": time_s(*places), "distance": road_m(*places)}
        return httpx.Response(200, json={"code": "Ok", "routes": [legs]})

    def _time_s(self, origin: Place, destination: Place) -> float | None:
        if {origin, destination} & self.islands and origin != destination:
            return None
        seconds = time_s(origin, destination)
        return -seconds if (origin, destination) in self.negative else seconds

    def _table_m(self, origin: Place, destination: Place) -> float | None:
        if self._time_s(origin, destination) is None:
            return None
        metres = road_m(origin, destination)
        return -metres if (origin, destination) in self.negative else metres

    def _waypoint(self, place: Place) -> dict[str, object]:
        return {"distance": self.snap_m.get(place, 0.0), "location": place, "name": ""}


def road_m(origin: Place, destination: Place) -> float:
    east, north = (destination[0] - origin[0], destination[1] - origin[1])
    return round(METRES_PER_DEGREE * (abs(east) + abs(north)), 1)


def time_s(origin: Place, destination: Place) -> float:
    uphill = 2.0 if destination[1] > origin[1] else 1.0
    return round(math.ceil(road_m(origin, destination)) / 10 * uphill, 1)


def _place(text: str) -> Place:
    lon, lat = text.split(",")
    return float(lon), float(lat)


def _indices(query: dict[str, list[str]], name: str) -> list[int]:
    return [int(index) for index in query[name][0].split(";")]
