"""What missed wishes cost: told times, buffers before windows' ends, fair shares.

Compiled by `atmr_engine.compiled`.
"""

from __future__ import annotations

from typing import Any

from atmr_engine.arrays import Arrays
from atmr_engine.compiled import compiled, inner

SECONDS_PER_HOUR = 3600.0


@inner
def eager_cost(arrays: Arrays, node: int, time_s: float) -> float:
    """What it costs that a stop begins near its window's end, or not when it was told to."""
    row, weights = arrays.nodes[node], arrays.weights[0]
    cost = weights.tightness * max(0.0, min(time_s, row.close_s) - row.ease_s)
    return float(
        cost + weights.promise * max(0.0, row.told_low_s - time_s, time_s - row.told_high_s)
    )


@inner
def fair_cost(weights: Any, duty: Any, worked_s: float) -> float:
    """What it costs that a duty's week with `worked_s` today misses its fair share."""
    if not duty.fair:
        return 0.0
    beyond_h = (duty.beyond_share_s + worked_s) / SECONDS_PER_HOUR
    return float(weights.fairness_h2 * beyond_h * beyond_h)


@compiled
def standing_cost(arrays: Arrays, duty: int) -> float:
    """What a duty costs that serves nobody."""
    return fair_cost(arrays.weights[0], arrays.duties[duty], 0.0)
