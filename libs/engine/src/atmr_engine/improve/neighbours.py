"""Which requests are alike in place and time: the ones that can change places in a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.arrays import UNREACHABLE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atmr_engine.arrays import Arrays

MOST = 100
"""Neighbours kept of each request."""


def nearest_requests(arrays: Arrays) -> NDArray[np.int64]:
    """The neighbours of each request, nearest first: (R, min(R - 1, MOST)).

    Nearness is the time from pickup to pickup and drop-off to drop-off, there and back, and the
    distance between the middles of the times at which the pickups can begin (Shaw 1998).
    """
    requests = len(arrays.requests)
    kept = min(requests - 1, MOST)
    near = np.zeros((requests, max(kept, 0)), dtype=np.int64)
    pickups, dropoffs = arrays.nodes["place"][: 2 * requests].reshape(-1, 2).T
    middle = middle_of_pickup(arrays)
    for request in range(requests):
        apart = np.abs(middle - middle[request])
        for places in (pickups, dropoffs):
            apart += arrays.time_s[places[request], places] / 2
            apart += arrays.time_s[places, places[request]] / 2
        apart[request] = np.inf
        order = np.argsort(apart, kind="stable")
        near[request] = order[:kept]
    return near


def middle_of_pickup(arrays: Arrays) -> NDArray[np.float64]:
    """The middle of the time in which each pickup can begin (R,); its start if it never ends."""
    requests = arrays.requests
    opens = arrays.nodes["open_s"][: 2 * len(requests)].reshape(-1, 2)
    direct = np.minimum(requests["direct_s"], UNREACHABLE)
    longest = np.minimum(requests["max_ride_s"], 2 * direct)
    earliest = np.maximum(opens[:, 0], opens[:, 1] - longest)
    latest = requests["latest_pickup_s"]
    middle: NDArray[np.float64] = np.where(np.isfinite(latest), (earliest + latest) / 2, earliest)
    return middle
