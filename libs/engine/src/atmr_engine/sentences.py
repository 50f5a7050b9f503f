"""Why a request is unserved, in sentences that keep to the facts of the problem."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from atmr_engine.compilation import latest_pickup
from atmr_engine.rules import Rule
from atmr_engine.travel import least_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atmr_engine.problem import Duty, Load, Problem, Request

MINUTE = 60
HOUR = 3600
TWO_DAYS = 48 * HOUR

BUSY = {
    Rule.RIDE_TIME: "beside those on board already it would ride longer than it may",
    Rule.SHARING: "who is on board then may not ride together with it",
    Rule.CAPACITY: "their places are taken then",
    Rule.BREAK: "their breaks leave no room for it, wherever they are taken",
    Rule.LINK: "the leg that it is linked to is planned at another time or with another driver",
    Rule.SHIFT: "with it they would not be back by the end of their shifts",
    Rule.DURATION: "with it they would be on the way longer than they may",
    Rule.DRIVING: "with it they would drive longer than they may",
    Rule.OUT_OF_SERVICE: "their vehicles are out of service then",
    Rule.PROMISE: "they are elsewhere at the time that was firmly promised",
    Rule.WINDOW: "they are elsewhere then, and its own times leave no other moment",
}


def mismatch_sentence(problem: Problem, request: Request, rule: Rule) -> str:
    """No duty can carry the request, not even alone."""
    duties = problem.duties
    if rule is Rule.CAPACITY:
        return f"no duty has {missing_places(request.load, duties)}"
    if rule is Rule.EQUIPMENT:
        return f"no duty with room for it has the equipment it needs: {names(request.equipment)}"
    if rule is Rule.SKILLS:
        return f"no duty with room for it has the skills it needs: {names(request.skills)}"
    return f"it needs a crew of {request.crew}, and no duty that is otherwise fit has one"


def missing_places(load: Load, duties: Sequence[Duty]) -> str:
    """The kind of place that all duties lack, or all kinds together."""
    most = {
        "wheelchairs": max((duty.capacity.wheelchairs for duty in duties), default=0),
        "stretchers": max((duty.capacity.stretchers for duty in duties), default=0),
        "seats": max((duty.capacity.seats for duty in duties), default=0),
    }
    asked = {"wheelchairs": load.wheelchairs, "stretchers": load.stretchers, "seats": load.seats}
    for kind, count in asked.items():
        if count > most[kind]:
            return f"{counted(count, kind)} (the most is {most[kind]})"
    return "room at once for " + " and ".join(counted(n, kind) for kind, n in asked.items() if n)


def counted(count: int, kind: str) -> str:
    """A number of places in words: a wheelchair place, 2 seats."""
    single = {"wheelchairs": "wheelchair place", "stretchers": "stretcher place", "seats": "seat"}
    return f"a {single[kind]}" if count == 1 else f"{count} {single[kind]}s"


def pinned_sentence(request: Request, duty: Duty, rule: Rule) -> str:
    """The request is pinned to a duty that cannot carry it."""
    lacks = {
        Rule.CAPACITY: "has not the places for it",
        Rule.EQUIPMENT: f"lacks {names(request.equipment - duty.equipment)}",
        Rule.SKILLS: f"lacks {names(request.skills - duty.skills)}",
        Rule.CREW: f"has a crew of {duty.crew}, not {request.crew}",
        Rule.LOCK: "is not the only one that it is pinned to",
    }
    return f"it is pinned to duty {duty.id}, which {lacks[rule]}"


def alone_sentence(problem: Problem, request: Request, able: Sequence[Duty], rule: Rule) -> str:
    """Not even a duty without other passengers can serve the request."""
    direct_s = least_time(problem.travel, request.pickup.place, request.dropoff.place)
    if rule is Rule.RIDE_TIME:
        return (
            f"the direct way takes {minutes(direct_s)} min, "
            f"and it may ride {minutes(request.max_ride_s)} min"
        )
    if rule is Rule.SHIFT:
        opens = min(duty.shift.open_s for duty in able)
        closes = max(duty.shift.close_s for duty in able)
        shifts = f"from {moment(problem, opens)} to {moment(problem, closes)}"
        return (
            "every duty that could carry it is outside its shift: "
            f"{wanted(problem, request, direct_s)}, and the shifts run {shifts}"
        )
    if rule is Rule.WINDOW:
        when = wanted(problem, request, direct_s)
        return f"no duty that could carry it can be there in time: {when}"
    return f"no duty that could carry it can: {EMPTY[rule]}"


EMPTY = {
    Rule.SHARING: "those whom it must bring home first may not ride together with it",
    Rule.CAPACITY: "those whom it must bring home first take the places",
    Rule.BREAK: "its breaks leave no room for it",
    Rule.LINK: "the leg that it is linked to is committed to another time or driver",
    Rule.DURATION: "it would be on the way longer than it may",
    Rule.DRIVING: "it would drive longer than it may",
    Rule.OUT_OF_SERVICE: "its vehicle is out of service then",
    Rule.PROMISE: "it cannot be there at the time that was firmly promised",
}


def plan_sentence(request: Request, able: Sequence[Duty], rule: Rule) -> str:
    """The request would fit an empty day, but not what is planned."""
    who = f"the {len(able)} duties that could carry it serve others"
    if len(able) == 1:
        who = f"duty {able[0].id}, the only one that could carry it, serves others"
        pinned = request.locked_duty is not None
        who = f"duty {able[0].id}, to which it is pinned, serves others" if pinned else who
    return f"{who}: {BUSY[rule]}"


def wanted(problem: Problem, request: Request, direct_s: float) -> str:
    """When the request wants to be where."""
    pickup, dropoff = request.pickup.window, request.dropoff.window
    opens = moment(problem, pickup.open_s)
    if math.isfinite(dropoff.close_s):
        return f"it must be at its destination by {moment(problem, dropoff.close_s)}"
    latest = latest_pickup(request, direct_s)
    if math.isfinite(latest):
        return f"it must be picked up between {opens} and {moment(problem, latest)}"
    return f"it can be picked up from {opens} on"


def moment(problem: Problem, seconds: float) -> str:
    """A time for people: local where the problem has an origin, else counted from midnight."""
    if not 0 <= seconds < TWO_DAYS:
        return f"second {seconds:.0f}"
    if problem.origin is None:
        return time_of_day(seconds)
    at = problem.local(seconds)
    return f"{at:%H:%M}" if at.date() == problem.origin.date() else f"{at:%H:%M the next day}"


def time_of_day(seconds: float) -> str:
    """HH:MM, counted on past midnight."""
    whole = round(seconds / MINUTE) * MINUTE
    return f"{whole // HOUR:02d}:{whole % HOUR // MINUTE:02d}"


def minutes(seconds: float) -> str:
    """Minutes, with a decimal where they are not whole."""
    return f"{seconds / MINUTE:.1f}".removesuffix(".0")


def names(words: frozenset[str]) -> str:
    return ", ".join(sorted(words))
