"""Reading of the answers of OSRM's table and route services.

https://project-osrm.org/docs/v5.24.0/api/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

if TYPE_CHECKING:
    from numpy.typing import NDArray


NO_ROUTE = "NoRoute"


@dataclass(frozen=True, slots=True, eq=False)
class TableBlock:
    """Origins to destinations: seconds and metres, NaN where there is no way.

    `off_map` counts the origins and destinations that are too far from any road.
    """

    time_s: NDArray[np.float64]
    distance_m: NDArray[np.float64]
    off_map: int

    @property
    def negative(self) -> NDArray[np.bool_]:
        """Pairs, mostly a metre apart, of which OSRM's table states a negative time or distance.

        Open as issues 5855 and 7269 of osrm-backend; its route service has the right values.
        """
        negative: NDArray[np.bool_] = (self.time_s < 0) | (self.distance_m < 0)
        return negative


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why OSRM does not answer a request; `code` is OSRM's own, or empty."""

    code: str
    explanation: str


def read_block(content: bytes, shape: tuple[int, int], max_snap_m: float) -> TableBlock:
    """Raises ValueError where the answer is not a table of `shape`."""
    try:
        answer = orjson.loads(content)
        time_s = _numbers(answer["durations"], shape)
        distance_m = _numbers(answer["distances"], shape)
        lost_origins = _snap_m(answer["sources"], shape[0]) > max_snap_m
        lost_destinations = _snap_m(answer["destinations"], shape[1]) > max_snap_m
    except (KeyError, TypeError) as failure:
        raise ValueError(f"not a table: {failure!r}") from failure
    for unreachable in (time_s, distance_m):
        unreachable[lost_origins, :] = np.nan
        unreachable[:, lost_destinations] = np.nan
    return TableBlock(time_s, distance_m, int(lost_origins.sum() + lost_destinations.sum()))


def read_route(content: bytes) -> tuple[float, float]:
    """Seconds and metres of a route. Raises ValueError where the answer is none."""
    try:
        route = orjson.loads(content)["routes"][0]
        time_s, distance_m = float(route["duration"]), float(route["distance"])
    except (IndexError, KeyError, TypeError) as failure:
        raise ValueError(f"not a route: {failure!r}") from failure
    if min(time_s, distance_m) < 0:
        raise ValueError(f"a route of {time_s} s and {distance_m} m")
    return time_s, distance_m


def read_refusal(content: bytes) -> Refusal:
    """With the remedy where it is known."""
    try:
        answer = orjson.loads(content)
        code, message = str(answer["code"]), str(answer["message"])
    except (KeyError, TypeError, ValueError):
        return Refusal("", "the answer does not say why; does the URL lead to osrm-routed?")
    if code == "TooBig":
        message += " (set block_size to osrm-routed's --max-table-size or less)"
    return Refusal(code, f"{code}: {message}")


def _numbers(rows: Any, shape: tuple[int, int]) -> NDArray[np.float64]:
    numbers = np.array(rows, dtype=np.float64)
    if numbers.shape != shape:
        raise ValueError(f"a table of {numbers.shape} where {shape} was asked for")
    return numbers


def _snap_m(waypoints: Any, count: int) -> NDArray[np.float64]:
    snap_m = np.array([waypoint["distance"] for waypoint in waypoints], dtype=np.float64)
    if len(snap_m) != count:
        raise ValueError(f"{len(snap_m)} places where {count} were asked for")
    return snap_m
