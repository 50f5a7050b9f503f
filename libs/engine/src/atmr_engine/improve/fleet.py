"""Fewest duties first: one duty after the other is closed, and the rest learn to do without it.

Where using a duty costs more than what it drives, the plans between two fleets are all worse than
both, and a search by cost does not pass them. So this one leaves requests out on the way (see
`squeeze`) and goes back to the best plan where that does not help.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.arrays import DUTY
from atmr_engine.improve.best import best_of, restore
from atmr_engine.improve.squeeze import squeeze
from atmr_engine.removal import pick, remove_picked

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from numpy.typing import NDArray

    from atmr_engine.arrays import Arrays
    from atmr_engine.improve.cooling import Course
    from atmr_engine.state import State

SHARE = 0.5
"""The share of the budget after which no duty is closed any more."""
PATIENCE = 1000
"""Iterations for each request after which a duty that is still not empty stays in use."""
SLACK = 1.0
"""How much a plan may cost more than the one before it, in mean costs of a served request."""
TELL_NOTHING = frozenset({"driver", "first_break", "first_away"})
"""What two duties of one kind may differ in."""


def used_duties(arrays: Arrays, state: State) -> NDArray[np.int64]:
    """The duties that serve anybody or have begun, in their order."""
    serving = np.bincount(state.route_of[state.route_of >= 0], minlength=len(arrays.duties))
    return np.flatnonzero((serving > 0) | (arrays.duties["committed"] > 0))


def driving_cost(arrays: Arrays, state: State) -> float:
    """What the routes cost, apart from what it costs that each is used at all."""
    used = used_duties(arrays, state)
    return float(state.cost[used].sum()) - len(used) * float(arrays.weights["duties_used"][0])


def mean_cost(arrays: Arrays, state: State) -> float:
    """The same per served request."""
    return driving_cost(arrays, state) / max(1, int((state.route_of >= 0).sum()))


def pays_to_empty(arrays: Arrays, state: State) -> bool:
    """Whether a duty less is worth more than what a duty drives on average."""
    worth = len(used_duties(arrays, state)) * float(arrays.weights["duties_used"][0])
    return worth > driving_cost(arrays, state)


def empty_duties(
    arrays: Arrays,
    state: State,
    near: NDArray[np.int64],
    course: Course,
    random: NDArray[np.uint64],
    report: Callable[[float], None],
) -> None:
    """Close duties within a share of the budget, and leave the best plan found in `state`.

    The plan never costs more than before, so that no more requests are unserved where that is dear.
    Of duties of one kind one is tried. `report` gets the best cost after each chunk of iterations.
    """
    best = best_of(arrays, state)
    left_out = np.zeros(len(arrays.requests), dtype=np.int64)
    slack = SLACK * mean_cost(arrays, state)
    tried: set[Hashable] = set()
    others, ends = close_one(arrays, state, left_out, tried), course.iterations + patience(arrays)
    while others is not None and course.spent < SHARE:
        chunk, started = course.next_chunk(), course.seconds
        done = squeeze(others, state, best, near, left_out, slack, chunk, random)
        course.advance(done, (course.seconds - started) * chunk / done)  # as if it were a whole one
        report(float(best.costs[0]))
        emptied = best.costs[1] == best.costs[0]
        if emptied or course.iterations >= ends:
            if emptied:
                tried.clear()
            restore(arrays, state, best)
            ends = course.iterations + patience(arrays)
            others = close_one(arrays, state, left_out, tried)
    restore(arrays, state, best)


def patience(arrays: Arrays) -> int:
    """For how many iterations one duty is tried."""
    return PATIENCE * len(arrays.requests)


def close_one(
    arrays: Arrays, state: State, left_out: NDArray[np.int64], tried: set[Hashable]
) -> Arrays | None:
    """Bank the requests of the duty whose requests are the easiest to place, and close the duty.

    Its kind is `tried` then. The arrays returned know of no duty but the others in use; None where
    no kind is left to be tried.
    """
    used = used_duties(arrays, state)
    closed = min(
        (duty for duty in used if may_close(arrays, state, duty, used, tried)),
        key=lambda duty: burden(state, duty, left_out),
        default=None,
    )
    if closed is None:
        return None
    tried.add(kind_of(arrays, closed))
    for request in np.flatnonzero(state.route_of == closed):
        pick(arrays, state, int(request))
    remove_picked(arrays, state)
    compatible = np.zeros_like(arrays.compatible)
    others = used[used != closed]
    compatible[:, others] = arrays.compatible[:, others]
    return arrays._replace(compatible=compatible)


def may_close(
    arrays: Arrays, state: State, duty: int, used: NDArray[np.int64], tried: set[Hashable]
) -> bool:
    """Whether a duty is of a new kind, has not begun, and serves nobody who fits no other one."""
    if arrays.duties["committed"][duty] or kind_of(arrays, duty) in tried:
        return False
    requests, others = np.flatnonzero(state.route_of == duty), used[used != duty]
    return bool(arrays.compatible[np.ix_(requests, others)].any(axis=1).all())


def burden(state: State, duty: int, left_out: NDArray[np.int64]) -> tuple[int, int]:
    """How hard it is to do without a duty: what its requests were left out, and how many."""
    requests = np.flatnonzero(state.route_of == duty)
    return int(left_out[requests].sum()), len(requests)


def kind_of(arrays: Arrays, duty: int) -> Hashable:
    """What duties that can stand in for each other share; one with breaks or away is its own."""
    row = arrays.duties[duty]
    if row["breaks"] or row["aways"]:
        return duty
    facts = tuple(row[name].item() for name in DUTY.names or () if name not in TELL_NOTHING)
    return facts, arrays.compatible[:, duty].tobytes(), arrays.serve_cost[:, duty].tobytes()
