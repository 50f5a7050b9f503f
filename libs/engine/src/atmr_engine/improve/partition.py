"""The best plan that can be put together from known routes: set partitioning by HiGHS.

Prices of the linear relaxation sort out routes that no better plan can hold, so that the integer
programme stays small. Limited by nodes, never by time: the same pool gives the same plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

from atmr_engine.improve.route_pool import GAIN, NOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from atmr_engine.improve.route_pool import RoutePool

FIRST_COLUMNS, MORE_COLUMNS = 8, 4
"""Routes that the linear programme begins with, and how many join it at a time, for each row."""
MOST_COLUMNS = 300
"""Routes of the integer programme; of more, those with the lowest reduced costs. Nodes do not bound
what HiGHS does at the root, this does."""
OPTIONS: dict[str, bool | int | float | str] = {
    "output_flag": False,
    "threads": 1,
    "parallel": "off",
    "random_seed": 1,
    "mip_rel_gap": 0.0,
    "mip_abs_gap": GAIN,
    "mip_heuristic_effort": 0.0,
    "mip_detect_symmetry": False,
}


class PartitionError(RuntimeError):
    """HiGHS could not solve what has a solution by construction."""


def recombine(
    pool: RoutePool,
    present: Sequence[int],
    node_limit: int,
    refused: Sequence[Sequence[int]] = (),
) -> list[int] | None:
    """Slots of a plan that costs less than `present`, or None where none was found.

    `present` is the plan at hand (slots; what it does not serve counts as unserved). Each request
    is served once or costs `pool.unserved`; each class of duties drives as many routes as it may.
    `pool.seat` says which duty drives which. `refused` are sets of slots that must not be chosen
    all together: what proved false when links between routes were scheduled. The duals are left in
    `pool.prices`.

    Source: Foster and Ryan 1976; Subramanian, Uchoa and Ochi 2013 (pool of a local search).

    Raises:
        ValueError: for a `present` that serves a request twice or leaves one out that it must not.
        PartitionError: where HiGHS fails.

    """
    cost = judged(pool, present)
    bound = price(pool, present)
    room = cost - bound - GAIN
    if room <= 0.0:
        return None
    columns = promising(pool, present, room)
    chosen = choose(pool, columns, present, node_limit, refused)
    better = chosen is not None and pool.cost_of(chosen) < cost - GAIN
    return chosen if better else None


def judged(pool: RoutePool, present: Sequence[int]) -> float:
    """What the present plan costs; it has to be one."""
    members = pool.members[list(present)]
    times = np.bincount(members[members != NOTHING], minlength=len(pool.unserved))
    driven = np.bincount(pool.group[list(present)], minlength=len(pool.classes.most))
    cost = pool.cost_of(present)
    if np.any(times > 1) or np.any(driven > pool.classes.most):
        raise ValueError("the present plan serves a request, or uses a duty, twice")
    if not np.isfinite(cost) or np.any(driven < pool.classes.least):
        raise ValueError("the present plan lacks what the committed beginnings hold")
    return cost


def price(pool: RoutePool, present: Sequence[int]) -> float:
    """Solve the linear relaxation over the whole pool; its cost, its duals in `pool.prices`.

    It begins with the routes that look cheapest and takes more in until none has a negative reduced
    cost (column generation over the pool).
    """
    slots = pool.live()
    if pool.prices is None:
        pool.prices = shared_out(pool, present)
    inside = np.isin(slots, present)
    rows = len(pool.prices)
    inside[lowest(pool.reduced_costs(slots), FIRST_COLUMNS * rows)] = True
    model = relaxation(pool)
    add_routes(model, pool, slots[inside])
    while True:
        run(model)
        pool.prices = np.array(model.getSolution().row_dual)
        outside = np.flatnonzero(~inside)
        reduced = pool.reduced_costs(slots[outside])
        joining = outside[lowest(reduced, MORE_COLUMNS * rows)]
        joining = joining[pool.reduced_costs(slots[joining]) < -GAIN]
        if not len(joining):
            return float(model.getInfo().objective_function_value)
        inside[joining] = True
        add_routes(model, pool, slots[joining])


def shared_out(pool: RoutePool, present: Sequence[int]) -> NDArray[np.float64]:
    """First prices: each request bears an equal share of its present route, or its own cost."""
    prices = np.append(pool.unserved, np.zeros(len(pool.classes.most)))
    for slot in present:
        members = pool.members[slot]
        members = members[members != NOTHING]
        prices[members] = pool.cost[slot] / max(1, len(members))
    return prices


def lowest(values: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Positions of the `count` lowest values, ties by position."""
    return np.argsort(values, kind="stable")[:count]


def promising(pool: RoutePool, present: Sequence[int], room: float) -> NDArray[np.int64]:
    """The routes whose reduced cost leaves room for a better plan, and those of the present one."""
    slots = pool.live()
    reduced = pool.reduced_costs(slots)
    kept = np.zeros(len(slots), dtype=bool)
    kept[lowest(reduced, MOST_COLUMNS)] = True
    kept &= reduced <= room
    return slots[kept | np.isin(slots, present)]


def relaxation(pool: RoutePool) -> highspy.Highs:
    """A model without routes: a row per request and per class, a column per unserved request."""
    model = highspy.Highs()
    for name, value in OPTIONS.items():
        model.setOptionValue(name, value)
    requests, classes = len(pool.unserved), pool.classes
    lower, upper = (
        np.append(np.ones(requests), bound.astype(np.float64))
        for bound in (classes.least, classes.most)
    )
    none = np.zeros(0, dtype=np.int32)
    model.addRows(len(lower), lower, upper, 0, none, none, np.zeros(0))
    may_stay = np.flatnonzero(np.isfinite(pool.unserved)).astype(np.int32)
    count = len(may_stay)
    starts = np.arange(count, dtype=np.int32)
    zeros, free = np.zeros(count), np.full(count, highspy.kHighsInf)
    costs = pool.unserved[may_stay]
    model.addCols(count, costs, zeros, free, count, starts, may_stay, np.ones(count))
    return model


def add_routes(model: highspy.Highs, pool: RoutePool, slots: NDArray[np.int64]) -> None:
    """Add a column for each route: one in the rows of its requests and of its class."""
    rows = np.column_stack([pool.members[slots], len(pool.unserved) + pool.group[slots]])
    held = rows != NOTHING
    index = rows[held].astype(np.int32)
    lengths = held.sum(axis=1)
    starts = (np.cumsum(lengths) - lengths).astype(np.int32)
    count = len(slots)
    model.addCols(
        count,
        pool.cost[slots],
        np.zeros(count),
        np.full(count, highspy.kHighsInf),
        len(index),
        starts,
        index,
        np.ones(len(index)),
    )


def choose(
    pool: RoutePool,
    columns: NDArray[np.int64],
    present: Sequence[int],
    node_limit: int,
    refused: Sequence[Sequence[int]],
) -> list[int] | None:
    """The cheapest plan from `columns` that HiGHS finds within its nodes, beginning at `present`.

    None where it finds none at all, which can be when the present plan itself is refused.
    """
    model = relaxation(pool)
    first = model.getNumCol()
    add_routes(model, pool, columns)
    whole = np.arange(model.getNumCol(), dtype=np.int32)
    model.changeColsIntegrality(
        len(whole), whole, np.full(len(whole), int(highspy.HighsVarType.kInteger), dtype=np.uint8)
    )
    position = {int(slot): first + index for index, slot in enumerate(columns)}
    for slots in refused:
        forbid(model, [position[slot] for slot in slots if slot in position], len(slots))
    start(model, pool, present, [position[int(slot)] for slot in present])
    model.setOptionValue("mip_max_nodes", node_limit)
    run(model)
    if model.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    values = np.array(model.getSolution().col_value)[first:]
    return [int(slot) for slot in columns[values > 0.5]]  # noqa: PLR2004 (rounds a binary)


def forbid(model: highspy.Highs, columns: list[int], count: int) -> None:
    """Never all `count` of them; where some are not in the model, nothing is to be forbidden."""
    if len(columns) == count:
        index = np.array(columns, dtype=np.int32)
        model.addRow(-highspy.kHighsInf, count - 1.0, count, index, np.ones(count))


def start(
    model: highspy.Highs, pool: RoutePool, present: Sequence[int], columns: Sequence[int]
) -> None:
    """Tell HiGHS the present plan."""
    values = np.zeros(model.getNumCol())
    values[list(columns)] = 1.0
    members = pool.members[list(present)]
    may_stay = np.flatnonzero(np.isfinite(pool.unserved))
    values[: len(may_stay)] = ~np.isin(may_stay, members)
    whole = np.arange(len(values), dtype=np.int32)
    model.setSolution(len(whole), whole, values)


def run(model: highspy.Highs) -> Any:
    """Solve.

    Raises:
        PartitionError: where HiGHS says that it failed.

    """
    status = model.run()
    if status == highspy.HighsStatus.kError:
        raise PartitionError(f"HiGHS: {model.modelStatusToString(model.getModelStatus())}")
    return status
