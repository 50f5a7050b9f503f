"""A problem as contiguous arrays, in the shape that compiled code reads.

A node is one thing to visit: 2r is request r's pickup, 2r + 1 its drop-off, and the breaks of all
duties follow. A route is the sequence of nodes of a duty, without its start and end.
The layout is read by all that `atmr_engine.compiled` compiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from atmr_engine.problem import SameDriver

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-7
"""Seconds below which two times are one."""

NOBODY: Any = np.int64(-1)
NOTHING: Any = np.int64(0)
"""No duty, no gap; no stop yet. Typed: for a plain literal numba compiles the callees twice."""

UNREACHABLE = 1e9
"""Seconds and kilometres that stand for "no way" (finite, so that differences stay numbers)."""

NODE = np.dtype(
    [
        ("place", np.int64),  # -1 for a pause: the vehicle stands where it is
        ("kind", np.int64),  # VISIT, REST, RESERVED
        ("open_s", np.float64),
        ("close_s", np.float64),
        ("excess_s", np.float64),  # waived lateness
        ("low_s", np.float64),  # when service can begin at all, by both ends' windows and the ride
        ("high_s", np.float64),
        ("waived_low_s", np.float64),  # the same with all waivers used
        ("waived_high_s", np.float64),
        ("service_s", np.float64),
        ("cleaning_s", np.float64),
        ("told_low_s", np.float64),  # when it was told to begin; infinite where nobody was told
        ("told_high_s", np.float64),
        ("ease_s", np.float64),  # the buffer before the window's end begins here
        ("prefer_s", np.float64),  # the latest begin that costs nothing by itself
        ("binding_low_s", np.float64),  # a firm promise, without waiver and with it
        ("binding_high_s", np.float64),
        ("waived_binding_low_s", np.float64),
        ("waived_binding_high_s", np.float64),
    ]
)
REQUEST = np.dtype(
    [
        ("seats", np.int64),
        ("wheelchairs", np.int64),
        ("stretchers", np.int64),
        ("alone", np.int64),
        ("group", np.int64),
        ("max_ride_s", np.float64),
        ("ride_excess_s", np.float64),
        ("direct_s", np.float64),
        ("least_ride_s", np.float64),  # the direct way, or a shorter one round about
        ("after", np.int64),  # the outbound leg's index, -1 for none
        ("stay_s", np.float64),
        ("same_driver", np.int64),  # FREE, PREFER, REQUIRE
        ("first_follower", np.int64),
        ("next_follower", np.int64),
        ("fixed", np.int64),  # its pickup stands in a committed beginning
        ("unserved_cost", np.float64),
        ("latest_pickup_s", np.float64),
    ]
)
DUTY = np.dtype(
    [
        ("seats", np.int64),
        ("wheelchairs", np.int64),
        ("stretchers", np.int64),
        ("fold_wheelchair", np.int64),
        ("fold_stretcher", np.int64),
        ("start", np.int64),
        ("end", np.int64),
        ("open_s", np.float64),
        ("close_s", np.float64),
        ("shift_excess_s", np.float64),
        ("max_duration_s", np.float64),
        ("duration_excess_s", np.float64),
        ("emergency", np.int64),
        ("driver", np.int64),
        ("first_break", np.int64),  # node of its first break
        ("breaks", np.int64),
        ("committed", np.int64),  # stops of its fixed beginning
        ("fair", np.int64),  # 1 where it has a fair share
        ("beyond_share_s", np.float64),  # the week's work before today less the fair share
        ("unsteady", np.int64),  # 1 where its timetables are those of unsteady_timetable.py
        ("first_away", np.int64),  # row of its first time out of service
        ("aways", np.int64),
        ("max_driving_s", np.float64),
        ("rest_after_s", np.float64),  # driving without a break of `rest_s`
        ("rest_s", np.float64),
        ("driving_excess_s", np.float64),
    ]
)
VISIT, REST, RESERVED = 0, 1, 2
"""What a node is: a request's end, a break of a duty, a reserve."""
FREE, PREFER, REQUIRE = 0, 1, 2
SAME_DRIVER = {SameDriver.FREE: FREE, SameDriver.PREFER: PREFER, SameDriver.REQUIRE: REQUIRE}


def table(rows: int | tuple[int, ...], kind: np.dtype[Any]) -> NDArray[Any]:
    """Zeroed records whose fields are attributes, in compiled code as in plain Python."""
    return np.zeros(rows, dtype=kind).view(np.recarray)


class Arrays(NamedTuple):
    """What every compiled function reads (R requests, D duties, N nodes, P places).

    `time_s` and `distance_km` have one more row and column: nowhere, at no distance from anything.
    """

    nodes: NDArray[Any]  # (N,) NODE
    requests: NDArray[Any]  # (R,) REQUEST
    duties: NDArray[Any]  # (D,) DUTY
    compatible: NDArray[np.uint8]  # (R, D)
    time_s: NDArray[np.float64]  # (P + 1, P + 1)
    time_into_s: NDArray[np.float64]  # its transpose: a row holds the ways that end in one place
    distance_km: NDArray[np.float64]  # (P + 1, P + 1)
    knots_s: NDArray[np.float64]  # (K,) departures of the slices, none where ways are constant
    slices_s: NDArray[np.float64]  # (K, P + 1, P + 1); `time_s` is the least of them
    aways: NDArray[np.float64]  # (A, 2) when vehicles are out of service, duty by duty, in order
    price: NDArray[np.float64]  # (P + 1, P + 1) the least that each way costs
    price_into: NDArray[np.float64]  # its transpose
    weights: NDArray[Any]  # (1,) WEIGHTS of pricing.py
    serve_cost: NDArray[np.float64]  # (R, D) what it costs that this duty serves this request
    waived: bool  # some service rule is waived for somebody
    linked: bool  # some leg follows another
    timed: bool  # what a route costs depends on its timetable, not on its ways alone
    eager: bool  # some stop would rather not begin late, or was told to begin at a time
