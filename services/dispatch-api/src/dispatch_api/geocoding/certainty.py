"""Whether an answer may be acted upon without a person looking: one rule for every door."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from dispatch_api.geocoding.outline import distance_m
from dispatch_api.geocoding.port import GeocodeHit, dispatchable

SURE_LIKENESS = 0.9
"""Of 2,000 misspelt real addresses, 1,566 were found at this likeness or above, 6 of them wrong."""
LEAD = 0.03
"""A second house that is alike within this, elsewhere, makes the answer uncertain."""
SAME_HOUSE_M = 100.0


class Doubt(StrEnum):
    """Why the best hit must not be taken by itself."""

    NOT_FOUND = "was not found"
    COARSE = "is not known to the house"
    UNLIKE = "was not found with certainty"
    SEVERAL = "is in several places"


def doubt(hits: Sequence[GeocodeHit]) -> Doubt | None:
    """What speaks against the best of `hits`, or None where it is the one house that was meant."""
    if not hits:
        return Doubt.NOT_FOUND
    best = hits[0]
    if not dispatchable(best.precision):
        return Doubt.COARSE
    if best.score < SURE_LIKENESS:
        return Doubt.UNLIKE
    if any(_is_rival(best, other) for other in hits[1:]):
        return Doubt.SEVERAL
    return None


def _is_rival(best: GeocodeHit, other: GeocodeHit) -> bool:
    return (
        dispatchable(other.precision)
        and best.score - other.score < LEAD
        and distance_m((best.lat, best.lon), (other.lat, other.lon)) > SAME_HOUSE_M
    )
