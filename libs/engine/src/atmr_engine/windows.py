"""When service can begin at all at each node, by the windows of both ends and the ride between.

Half of the ends of a day have no window of their own; with one from the other end, most insertions
that cannot be are refused at a glance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.arrays import UNREACHABLE

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_PLACES = 400
"""Up to so many places all shortest ways are computed: 0.07 s for 400, growing with the cube."""


def shortest_rides(time_s: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """The least time between each request's ends (R,), by whatever ways there are.

    `time_s` (P + 1, P + 1) ends with the place that is nowhere, `places` (2 R,) are the requests'
    pickups and drop-offs. A direct way can be longer than one by way of other places (Floyd 1962);
    with more than `MOST_PLACES` places only ways by one other place are looked at, so that the
    answer can be too long where a way by two or more is shorter than all of those.
    """
    known = time_s[:-1, :-1]
    if len(known) <= MOST_PLACES:
        known = known.copy()
        for via in range(len(known)):
            np.minimum(known, known[:, via, None] + known[None, via], out=known)
        least: NDArray[np.float64] = known[places[::2], places[1::2]]
        return np.minimum(least, UNREACHABLE)
    rides = zip(places[::2], places[1::2], strict=True)
    least = np.array([(known[here] + known[:, there]).min() for here, there in rides])
    return np.minimum(least, UNREACHABLE)


def tighten(nodes: NDArray[Any], requests: NDArray[Any]) -> None:
    """Fill the nodes' bounds, without waivers and with all of them used; breaks keep their own.

    One end's window bounds the other's through the ride, which lasts at least `least_ride_s` and
    at most what the request allows. No timetable is lost where `least_ride_s` is the least indeed
    (see `shortest_rides`); elsewhere one that needs the quicker way round is not looked for. Nor
    is one in which somebody is fetched before the time that was told, where that can be kept.
    """
    nodes, requests = nodes.view(np.ndarray), requests.view(np.ndarray)  # records are slow
    shortest_s = requests["least_ride_s"]
    for low, high, waived in (("low_s", "high_s", 0.0), ("waived_low_s", "waived_high_s", 1.0)):
        binding = low.replace("low", "binding_low"), high.replace("high", "binding_high")
        nodes[low] = np.maximum(nodes["open_s"], nodes[binding[0]])
        close_s = nodes["close_s"] + waived * nodes["excess_s"]
        nodes[high] = np.minimum(close_s, nodes[binding[1]])
        longest_s = requests["max_ride_s"] + waived * requests["ride_excess_s"]
        pickup, dropoff = (nodes[: 2 * len(requests)][end::2] for end in (0, 1))
        boarding_s = pickup["service_s"]
        dropoff[low] = np.maximum(dropoff[low], pickup[low] + boarding_s + shortest_s)
        dropoff[high] = np.minimum(dropoff[high], pickup[high] + boarding_s + longest_s)
        pickup[low] = np.maximum(pickup[low], dropoff[low] - longest_s - boarding_s)
        pickup[high] = np.minimum(pickup[high], dropoff[high] - shortest_s - boarding_s)
        told_s = np.minimum(pickup["told_low_s"], pickup[high])
        pickup[low] = np.maximum(pickup[low], told_s)
        dropoff[low] = np.maximum(dropoff[low], pickup[low] + boarding_s + shortest_s)
