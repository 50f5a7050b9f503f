"""A picture of a plan: the way of each duty in a colour of its own, and who is left out.

matplotlib draws it, which only `atmr-engine[plot]` brings along; nothing is shown on a screen.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np

from atmr_engine.plan import StopKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atmr_engine.plan import Plan
    from atmr_engine.problem import Problem

INSTALLED = importlib.util.find_spec("matplotlib") is not None
COLOURS = 10
MARKERS = {StopKind.PICKUP: "^", StopKind.DROPOFF: "v"}
"""A pickup points up, a drop-off down; a break is taken where the vehicle stands."""


def plot_routes(problem: Problem, plan: Plan, points: NDArray[np.float64], axes: Any = None) -> Any:
    """Draw the routes of a plan, and a dotted line for each request that no route serves.

    `points` (P, 2) are x and y of the problem's places, in any unit. Returns the matplotlib axes:
    those given, or of a new figure (`axes.figure.savefig("routes.svg")`).

    Raises:
        ModuleNotFoundError: where matplotlib is not installed.
        ValueError: where `points` is not a row (x, y) for each place.

    """
    wanted = (problem.travel.places, 2)
    if np.shape(points) != wanted:
        raise ValueError(f"points: (places, 2) is {wanted} here, not {np.shape(points)}")
    drawn = empty_axes() if axes is None else axes
    for number, route in enumerate(plan.routes):
        stops = [(stop.kind, points[stop.place]) for stop in route.stops if stop.place is not None]
        draw_way(drawn, stops, f"C{number % COLOURS}", f"{route.duty}: {len(route.requests)}")
    served = {request for route in plan.routes for request in route.requests}
    for request in problem.requests:
        if request.id not in served:
            ends = points[[request.pickup.place, request.dropoff.place]]
            drawn.plot(*ends.T, color="grey", linestyle="dotted", label=f"unserved: {request.id}")
    if drawn.get_legend_handles_labels()[0]:
        drawn.legend(fontsize="small")
    return drawn


def empty_axes() -> Any:
    """Axes of a new figure on which both units are alike.

    Raises:
        ModuleNotFoundError: naming what to install.

    """
    if not INSTALLED:
        raise ModuleNotFoundError(
            "pictures need matplotlib, which is not installed: pip install 'atmr-engine[plot]'",
            name="matplotlib",
        )
    from matplotlib.figure import Figure  # noqa: PLC0415 (only the extra brings it along)

    axes = Figure(layout="constrained").subplots()
    axes.set_aspect("equal", adjustable="datalim")
    return axes


def draw_way(
    axes: Any, stops: list[tuple[StopKind, NDArray[np.float64]]], colour: str, label: str
) -> None:
    """Draw one route: its way, its pickups and its drop-offs."""
    axes.plot(*np.array([point for _, point in stops]).T, color=colour, label=label)
    for kind, marker in MARKERS.items():
        there = [point for stop, point in stops if stop is kind]
        axes.plot(*np.array(there).reshape(-1, 2).T, marker, color=colour)
