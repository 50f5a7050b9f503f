"""Why not, in a sentence that says what would have to be different."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from atmr_engine.explain.levers import Amounts, Lever
from atmr_engine.rules import Rule
from atmr_engine.sentences import MINUTE, counted, moment, names

if TYPE_CHECKING:
    from atmr_engine.problem import Duty, Problem, Request

FAILS = {
    Rule.LOCK: "it is pinned to another duty",
    Rule.CAPACITY: "it has not the places for it then",
    Rule.EQUIPMENT: "it lacks the equipment",
    Rule.SKILLS: "it lacks the skills",
    Rule.CREW: "its crew is too small",
    Rule.LINK: "the linked leg stands in the way",
    Rule.SHARING: "those on board then may not ride together with it",
    Rule.WINDOW: "it cannot be there in time",
    Rule.PROMISE: "it cannot be there at the time that was promised",
    Rule.RIDE_TIME: "the ride would be too long",
    Rule.SHIFT: "it does not fit into the shift",
    Rule.DURATION: "the duty would be on the way too long",
    Rule.DRIVING: "its driver would drive too long",
    Rule.OUT_OF_SERVICE: "the vehicle is out of service then",
    Rule.BREAK: "a break stands in the way",
    Rule.TRAVEL: "there is no way to serve it",
}


def why_not_sentence(
    problem: Problem,
    request: Request,
    duty: Duty,
    rule: Rule | None,
    relaxation: Amounts | None,
    begins: tuple[float, float] | None,
) -> str:
    """The sentence for one duty; times are local where the problem has an origin."""
    if rule is None:
        return f"duty {duty.id} could serve it as things stand"
    fails = f"duty {duty.id}: {FAILS[rule]}"
    if relaxation is None or begins is None:
        return f"{fails}; nothing that could be granted within a day changes that"
    if_only = " and ".join(
        condition(problem, request, duty, lever, amount) for lever, amount in relaxation.items()
    )
    when = f"from {moment(problem, begins[0])}, to be there by {moment(problem, up(begins[1]))}"
    return f"{fails}; it could if {if_only} ({when})"


def condition(problem: Problem, request: Request, duty: Duty, lever: Lever, amount: int) -> str:
    """What one lever asks for, in words."""
    much = f"{whole_minutes(amount)} min"
    if lever in COUNTED:
        return f"it had {counted(amount, lever.value)} more"
    said = {
        Lever.UNPIN: f"the request were not pinned to duty {request.locked_duty}",
        Lever.EQUIPMENT: f"it had {names(request.equipment - duty.equipment)}",
        Lever.SKILLS: f"its driver had {names(request.skills - duty.skills)}",
        Lever.CREW: f"it had a crew of {request.crew}",
        Lever.DRIVER: "the linked legs might have different drivers",
        Lever.SHARE: "those on board might ride together with it",
        Lever.LATER: f"the request might be served {much} late",
        Lever.EARLIER: f"the request might be served {much} early",
        Lever.PROMISE: f"the pickup might miss the promised time by {much} more",
        Lever.RIDE: f"the ride might be {much} longer",
        Lever.SHIFT_END: f"the shift might end {much} later",
        Lever.SHIFT_START: f"the shift might begin {much} earlier, "
        f"at {moment(problem, down(duty.shift.open_s - amount))}",
        Lever.DURATION: f"the duty might be on the way {much} longer",
        Lever.DRIVING: f"its driver might drive {much} longer",
        Lever.IN_SERVICE: "its vehicle were in service all the time",
        Lever.BREAK: f"its break might begin {much} later",
        Lever.STAY: f"the stay between the linked legs were {much} shorter",
        Lever.UNLINK: "it were not tied to the linked leg",
    }
    if lever is Lever.SHIFT_END:
        return f"{said[lever]}, at {moment(problem, up(duty.shift.close_s + amount))}"
    return said[lever]


COUNTED = frozenset({Lever.SEATS, Lever.WHEELCHAIRS, Lever.STRETCHERS})


def whole_minutes(seconds: float) -> int:
    """Minutes, rounded up: what is said to be enough is enough."""
    return math.ceil(seconds / MINUTE)


def up(seconds: float) -> float:
    """The next full minute."""
    return math.ceil(seconds / MINUTE) * MINUTE


def down(seconds: float) -> float:
    """The last full minute."""
    return math.floor(seconds / MINUTE) * MINUTE
