"""A picture of the figures over time, one panel for each part of a set; matplotlib draws it."""

from __future__ import annotations

import importlib.util
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from atmr_engine.bench.figures import Figure
    from atmr_engine.bench.groups import Group

COLUMNS = 3
PANEL_INCHES = (4.2, 3.2)
HOLLOW = "hollow: not every instance has a valid, complete plan"
INSTALLED = importlib.util.find_spec("matplotlib") is not None


def write_plot(groups: Sequence[Group], command: str, path: Path) -> bool:
    """Write an SVG that names its command; False where no group has a figure to show.

    Raises:
        ModuleNotFoundError: where matplotlib is not installed.

    """
    from matplotlib.figure import Figure as Picture  # noqa: PLC0415 (only setup-bench has it)

    shown = [group for group in groups if any(_points(group, peer) for peer in group.figures)]
    if not shown:
        return False
    columns = min(COLUMNS, len(shown))
    rows = math.ceil(len(shown) / columns)
    size = (columns * PANEL_INCHES[0], rows * PANEL_INCHES[1] + 1.0)
    picture = Picture(figsize=size, layout="constrained")
    panels = list(picture.subplots(rows, columns, squeeze=False).flat)
    colours = _colours(shown)
    for panel, group in zip(panels, shown, strict=False):
        _draw(panel, group, colours)
    for panel in panels[len(shown) :]:
        panel.set_axis_off()
    lines = [_line(peer, colour) for peer, colour in colours.items()]
    picture.legend(handles=lines, loc="outside lower center", ncols=len(lines), title=HOLLOW)
    picture.suptitle(command, fontsize="small", family="monospace", wrap=True)
    picture.savefig(path, metadata={"Description": command, "Date": None})
    return True


def _colours(groups: Sequence[Group]) -> dict[str, str]:
    """A colour for each solver, the same in all panels."""
    peers = dict.fromkeys(peer for group in groups for peer in group.figures)
    return {peer: f"C{number}" for number, peer in enumerate(peers)}


def _line(peer: str, colour: str) -> Any:
    from matplotlib.lines import Line2D  # noqa: PLC0415 (as above)

    return Line2D([], [], marker="o", color=colour, label=peer)


def _points(group: Group, peer: str) -> list[tuple[float, float, bool]]:
    """Budget, value and whether all instances are in it."""
    figures = group.figures[peer]
    points = []
    for budget in group.budgets:
        value = _value(group, figures[budget]) if budget in figures else None
        if value is not None:
            whole = figures[budget].valid == figures[budget].instances
            points.append((budget, value, whole))
    return points


def _value(group: Group, figure: Figure) -> float | None:
    """Vehicles where they come first: a gap of few instances would flatter who has too many."""
    return figure.extra_vehicles if group.vehicles_first else figure.gap_percent


def _draw(panel: Any, group: Group, colours: dict[str, str]) -> None:
    for peer in group.figures:
        points = _points(group, peer)
        colour = colours[peer]
        panel.plot([point[0] for point in points], [point[1] for point in points], color=colour)
        for budget, value, whole in points:
            face = colour if whole else "white"
            panel.plot(budget, value, marker="o", color=colour, markerfacecolor=face)
    panel.set_xscale("log")
    panel.set_xticks(group.budgets, [f"{budget:g}" for budget in group.budgets])
    panel.minorticks_off()
    panel.set_ylim(bottom=min(0.0, panel.get_ylim()[0]))
    panel.set_title(group.title, fontsize="medium")
    panel.set_xlabel("seconds")
    panel.set_ylabel(_axis(group))
    panel.grid(alpha=0.3)


def _axis(group: Group) -> str:
    if group.vehicles_first:
        return "vehicles too many" if group.published else "vehicles above the fewest here"
    return "gap to best known in %" if group.published else "above the best of these runs in %"
