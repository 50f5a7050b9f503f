"""The problem's arrays with one rule lifted, to see whether it was the one in the way."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.rules import Rule
from atmr_engine.windows import tighten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from atmr_engine.arrays import Arrays

RELAXATIONS = (
    Rule.RIDE_TIME,
    Rule.SHARING,
    Rule.CAPACITY,
    Rule.BREAK,
    Rule.LINK,
    Rule.SHIFT,
    Rule.DURATION,
    Rule.DRIVING,
    Rule.OUT_OF_SERVICE,
    Rule.PROMISE,
    Rule.WINDOW,
)
"""In which order rules are lifted: what says most comes first, the request's own times last."""

LONG_AGO = -1e8
PLENTY = 1_000_000
OF_DUTIES: dict[Rule, dict[str, float]] = {
    Rule.CAPACITY: {"seats": PLENTY, "wheelchairs": PLENTY, "stretchers": PLENTY},
    Rule.SHIFT: {"open_s": LONG_AGO, "close_s": np.inf},
    Rule.DURATION: {"max_duration_s": np.inf},
    Rule.DRIVING: {"max_driving_s": np.inf, "rest_after_s": np.inf},
    Rule.OUT_OF_SERVICE: {"aways": 0},
}
"""What all duties have without a rule of theirs."""


OF_REQUESTS = frozenset({Rule.RIDE_TIME, Rule.LINK, Rule.PROMISE, Rule.WINDOW})
"""Rules of one request; the others are lifted for all at once."""


class Relaxations:
    """The arrays without one rule or another; what does not depend on the request is made once."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays
        self._of_all: dict[Rule, Arrays] = {}
        nodes, requests = arrays.nodes.copy(), arrays.requests.copy()
        self._of_one = arrays._replace(nodes=nodes, requests=requests)

    @contextmanager
    def without(self, rule: Rule, request: int) -> Iterator[Arrays]:
        """The arrays without `rule`: the request's own, the duties', or all passengers'.

        They are to be used within the block alone.
        """
        if rule not in OF_REQUESTS:
            if rule not in self._of_all:
                self._of_all[rule] = without_for_all(self._arrays, rule)
            yield self._of_all[rule]
            return
        nodes, requests = self._of_one.nodes, self._of_one.requests
        own = slice(2 * request, 2 * request + 2)
        linked = linked_to(requests, request) if rule is Rule.LINK else np.array([request])
        before = nodes[own].copy(), requests[linked].copy()
        lift(nodes, requests, rule, request)
        tighten(nodes[own], requests[request : request + 1])
        try:
            yield self._of_one
        finally:
            nodes[own], requests[linked] = before


def without_for_all(arrays: Arrays, rule: Rule) -> Arrays:
    """A copy of the arrays without a rule of all duties or passengers."""
    nodes, requests, duties = arrays.nodes.copy(), arrays.requests.copy(), arrays.duties.copy()
    if rule is Rule.SHARING:
        requests["alone"] = requests["group"] = 0
    elif rule is Rule.BREAK:
        pauses = nodes["place"] < 0
        nodes["open_s"][pauses], nodes["close_s"][pauses] = LONG_AGO, np.inf
        nodes["service_s"][pauses] = 0.0
    for field, value in OF_DUTIES.get(rule, {}).items():
        duties[field] = value
    tighten(nodes, requests)
    return arrays._replace(nodes=nodes, requests=requests, duties=duties)


def lift(nodes: NDArray[Any], requests: NDArray[Any], rule: Rule, request: int) -> None:
    """Take a rule from one request; the bounds of its nodes are up to the caller."""
    if rule is Rule.RIDE_TIME:
        requests["max_ride_s"][request] = np.inf
    elif rule is Rule.LINK:
        requests["after"][requests["after"] == request] = -1
        requests["after"][request] = requests["first_follower"][request] = -1
        requests["first_follower"][requests["first_follower"] == request] = -1
    elif rule is Rule.PROMISE:
        for name in ("binding", "waived_binding"):
            nodes[f"{name}_low_s"][2 * request] = LONG_AGO
            nodes[f"{name}_high_s"][2 * request] = np.inf
    else:
        own = slice(2 * request, 2 * request + 2)
        nodes["open_s"][own], nodes["close_s"][own] = LONG_AGO, np.inf


def linked_to(requests: NDArray[Any], request: int) -> NDArray[np.int64]:
    """The rows that lifting a rule of a request may change: its own and its linked legs'."""
    linked = (requests["after"] == request) | (requests["first_follower"] == request)
    linked[request] = True
    return np.flatnonzero(linked)
