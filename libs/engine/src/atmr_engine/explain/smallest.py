"""The smallest relaxation that lets a request in, and the rule that fails first without any.

What fits with little fits with more, so each lever's least amount is found by bisection: of one
lever, else of two, else of a set none of which can be spared.
"""

from __future__ import annotations

from itertools import combinations, permutations
from typing import TYPE_CHECKING

from atmr_engine.explain.levers import HOUR_S, RULE_OF, TIMES, Amounts, Lever, worth_s
from atmr_engine.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ORDER = (
    Rule.CAPACITY,
    Rule.SHARING,
    Rule.WINDOW,
    Rule.PROMISE,
    Rule.RIDE_TIME,
    Rule.SHIFT,
    Rule.DURATION,
    Rule.DRIVING,
    Rule.OUT_OF_SERVICE,
    Rule.BREAK,
    Rule.LINK,
)
"""In which order rules are asked about a place in a route, cheapest first."""


def smallest(fits: Callable[[Amounts], bool], most: Amounts) -> Amounts | None:
    """The smallest amounts, `most` at most, with which it fits; None where not even all help.

    Any single amount that were a step less would not do. Of single levers it is the least in all
    (see `worth_s`); of two it is the better of both orders of bisection, of more one set of which
    no part can be spared.
    """
    if fits({}):
        return {}
    for size in (1, 2):
        best: Amounts | None = None
        for levers in combinations(most, size):
            best = smaller(fits, most, levers, best)
        if best is not None:
            return best
    return irreducible(fits, most) if fits(most) else None


def smaller(
    fits: Callable[[Amounts], bool], most: Amounts, levers: tuple[Lever, ...], best: Amounts | None
) -> Amounts | None:
    """The least amounts of `levers`, where they are less than `best` in all, else `best`."""
    caps = {lever: most[lever] for lever in levers}
    if best is not None:
        left = worth_s(best) - 1
        caps = {k: min(n, left if k in TIMES else left // HOUR_S) for k, n in caps.items()}
    if min(caps.values()) <= 0 or not fits(caps):
        return best
    found = [reduced(fits, caps, order) for order in permutations(levers)]
    return min([*([] if best is None else [best]), *found], key=worth_s)


def irreducible(fits: Callable[[Amounts], bool], most: Amounts) -> Amounts:
    """A set of levers of which none can be spared, each with its least amount."""
    needed = dict(most)
    for lever in reversed(most):
        without = {k: n for k, n in needed.items() if k != lever}
        if fits(without):
            needed = without
    return reduced(fits, needed, tuple(needed))


def reduced(fits: Callable[[Amounts], bool], amounts: Amounts, order: Iterable[Lever]) -> Amounts:
    """Amounts that fit, made as small as they can be, one lever after the other."""
    least = dict(amounts)
    for lever in order:
        low, high = -1, least[lever]
        while high - low > 1:
            middle = (low + high) // 2
            if fits({**least, lever: middle}):
                high = middle
            else:
                low = middle
        least[lever] = high
    return {lever: amount for lever, amount in least.items() if amount}


def first_failing(fits: Callable[[Amounts], bool], most: Amounts) -> tuple[Rule, Amounts]:
    """The first rule of `ORDER` that cannot be kept together with those before it.

    With it the least by which it has to be relaxed while those after it are lifted; TRAVEL, with
    nothing, where lifting all does not help. It does not fit as it is.
    """
    for position, rule in enumerate(ORDER):
        lifted = {k: n for k, n in most.items() if ORDER.index(RULE_OF[k]) > position}
        if not fits(lifted):
            own = {k: n for k, n in most.items() if RULE_OF[k] is rule}
            if not fits({**lifted, **own}):
                return Rule.TRAVEL, {}
            single = [k for k in own if fits({**lifted, k: own[k]})]
            orders = [(*(o for o in own if o is not k), k) for k in single] or [tuple(own)]
            found = [reduced(fits, {**lifted, **own}, order) for order in orders]
            excess = [{k: n for k, n in amounts.items() if k in own} for amounts in found]
            return rule, min(excess, key=worth_s)
    return Rule.TRAVEL, {}
