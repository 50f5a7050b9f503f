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


@dataclass(frozen=True, slots=True, eq=False)
class TableBlock:
    """Origins to destinations: seconds and metres, NaN where there is no way.

    `off_map` counts the origins and destinations that are too far from any road. OSRM's table
    states a negative distance for some pairs, mostly a metre apart (osrm-backend issues 5855 and
    7269, open); these stand here as they came, for `OsrmClient` to ask for again.
    """

    time_s: NDArray[np.float64]
    distance_m: NDArray[np.float64]
    off_map: int


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
    if (time_s < 0).any():
        raise ValueError("a negative time")
    for unreachable in (time_s, distance_m):
        unreachable[lost_origins, :] = np.nan
        unreachable[:, lost_destinations] = np.nan
    return TableBlock(time_s, distance_m, int(lost_origins.sum() + lost_destinations.sum()))


def read_route_m(content: bytes) -> float:
    """The metres of a route. Raises ValueError where the answer is none."""
    try:
        metres = float(orjson.loads(content)["routes"][0]["distance"])
    except (IndexError, KeyError, TypeError) as failure:
        raise ValueError(f"not a route: {failure!r}") from failure
    if metres < 0:
        raise ValueError(f"a route of {metres} m")
    return metres


def read_refusal(content: bytes) -> str:
    """What OSRM says about a request that it does not answer, with the remedy that is known."""
    try:
        answer = orjson.loads(content)
        code, message = str(answer["code"]), str(answer["message"])
    except (KeyError, TypeError, ValueError):
        return "the answer does not say why; does the URL lead to osrm-routed?"
    if code == "TooBig":
        message += " (set block_size to osrm-routed's --max-table-size or less)"
    return f"{code}: {message}"


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
