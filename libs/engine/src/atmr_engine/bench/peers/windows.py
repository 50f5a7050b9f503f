"""Windows narrowed so that every schedule within them keeps the maximum ride time.

Solvers without ride times get their plans through the checker this way, and lose some plans.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class PairWindows:
    """When service may begin at the two ends of a request, in any unit of time."""

    pickup_open: int
    pickup_close: int
    dropoff_open: int
    dropoff_close: int


def narrowed(windows: PairWindows, service: int, way: int, longest_ride: int | None) -> PairWindows:
    """The windows, tightened by the direct way, then narrowed until no ride is too long.

    A ride lasts at most `dropoff_close - pickup_open - service`; what that is above `longest_ride`
    is taken from the wider window first and from the other one where it does not suffice, so that
    something is left of both whenever the request can be served at all.
    """
    tight = _tightened(windows, service, way)
    if longest_ride is None:
        return tight
    excess = tight.dropoff_close - tight.pickup_open - service - longest_ride
    if excess <= 0:
        return tight
    pickup_width = max(0, tight.pickup_close - tight.pickup_open)
    dropoff_width = max(0, tight.dropoff_close - tight.dropoff_open)
    if pickup_width >= dropoff_width:
        later = min(excess, pickup_width)
        earlier = min(excess - later, dropoff_width)
    else:
        earlier = min(excess, dropoff_width)
        later = min(excess - earlier, pickup_width)
    less = replace(
        tight,
        pickup_open=tight.pickup_open + later,
        dropoff_close=tight.dropoff_close - earlier,
    )
    return _tightened(less, service, way)


def _tightened(windows: PairWindows, service: int, way: int) -> PairWindows:
    """Nobody is dropped off before, or picked up after, what the direct way allows."""
    direct = service + way
    return replace(
        windows,
        pickup_close=min(windows.pickup_close, windows.dropoff_close - direct),
        dropoff_open=max(windows.dropoff_open, windows.pickup_open + direct),
    )
