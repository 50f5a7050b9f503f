"""The problem's arrays with one rule lifted, to see whether it was the one in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.rules import Rule
from atmr_engine.windows import tighten

if TYPE_CHECKING:
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


def relaxed(arrays: Arrays, rule: Rule, request: int) -> Arrays:
    """A copy of the arrays without `rule`: the request's own, the duties', or all passengers'."""
    nodes, requests = arrays.nodes.copy(), arrays.requests.copy()
    duties = arrays.duties.copy()
    pauses = nodes["place"] < 0
    if rule is Rule.RIDE_TIME:
        requests["max_ride_s"][request] = np.inf
    elif rule is Rule.SHARING:
        requests["alone"] = requests["group"] = 0
    elif rule is Rule.BREAK:
        nodes["open_s"][pauses], nodes["close_s"][pauses] = LONG_AGO, np.inf
        nodes["service_s"][pauses] = 0.0
    elif rule is Rule.LINK:
        unlinked = requests["after"] == request
        requests["after"][unlinked] = requests["after"][request] = -1
        requests["first_follower"][request] = -1
        requests["first_follower"][requests["first_follower"] == request] = -1
    elif rule in OF_DUTIES:
        for field, value in OF_DUTIES[rule].items():
            duties[field] = value
    elif rule is Rule.PROMISE:
        for name in ("binding", "waived_binding"):
            nodes[f"{name}_low_s"][2 * request] = LONG_AGO
            nodes[f"{name}_high_s"][2 * request] = np.inf
    else:
        own = slice(2 * request, 2 * request + 2)
        nodes["open_s"][own], nodes["close_s"][own] = LONG_AGO, np.inf
    tighten(nodes, requests)
    return arrays._replace(
        nodes=nodes, requests=requests, duties=duties, linked=bool((requests["after"] >= 0).any())
    )
