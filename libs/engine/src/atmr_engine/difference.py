"""What differs between two plans: who is served at another time, or by another duty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from atmr_engine.plan import StopKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from atmr_engine.plan import Route

MOVED_S = 1e-3
"""Seconds up to which two times are one (as the checker has it)."""
TOLD_MOVED_S = 60.0
"""Times are told to the minute: a move by less leaves what was told true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A request that is served before and after, and by how many seconds later it begins (or < 0).

    `from_duty` and `to_duty` are the same unless another duty takes it.
    """

    request: str
    from_duty: str
    to_duty: str
    pickup_by_s: float
    dropoff_by_s: float


@dataclass(frozen=True, slots=True)
class Service:
    """Who serves a request, and when its services begin (seconds)."""

    duty: str
    pickup_s: float
    dropoff_s: float


def services(routes: Iterable[Route]) -> dict[str, Service]:
    """The service of each request that the routes pick up and drop off, by its id."""
    found: dict[str, Service] = {}
    for route in routes:
        boarded: dict[str, float] = {}
        for stop in route.stops:
            if stop.request is None:
                continue
            if stop.kind is StopKind.PICKUP:
                boarded[stop.request] = stop.begin_s
            elif stop.request in boarded:
                found[stop.request] = Service(route.duty, boarded[stop.request], stop.begin_s)
    return found


def moved_requests(before: Iterable[Route], after: Iterable[Route]) -> tuple[Moved, ...]:
    """The requests that both serve, at another time or on another duty, by their old pickup."""
    old, new = services(before), services(after)
    moved = [
        Moved(
            request=request,
            from_duty=was.duty,
            to_duty=new[request].duty,
            pickup_by_s=new[request].pickup_s - was.pickup_s,
            dropoff_by_s=new[request].dropoff_s - was.dropoff_s,
        )
        for request, was in sorted(old.items(), key=lambda item: (item[1].pickup_s, item[0]))
        if request in new
    ]
    return tuple(m for m in moved if is_moved(m))


def is_moved(moved: Moved) -> bool:
    """Whether anything about it differs."""
    by_s = max(abs(moved.pickup_by_s), abs(moved.dropoff_by_s))
    return moved.from_duty != moved.to_duty or by_s > MOVED_S


def told_moves(moved: Iterable[Moved], told: Collection[str]) -> int:
    """How many of the requests whose pickup time was told are picked up at another minute now."""
    return sum(1 for m in moved if m.request in told and abs(m.pickup_by_s) >= TOLD_MOVED_S)
