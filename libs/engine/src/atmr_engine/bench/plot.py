"""A picture of the gaps over time, one panel for each part of a set; matplotlib draws it."""

from __future__ import annotations

import importlib.util
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from atmr_engine.bench.groups import Group

COLUMNS = 3
PANEL_INCHES = (4.2, 3.2)
INSTALLED = importlib.util.find_spec("matplotlib") is not None


def write_plot(groups: Sequence[Group], command: str, path: Path) -> bool:
    """Write an SVG that names its command; False where no group has a gap to show.

    Raises:
        ModuleNotFoundError: where matplotlib is not installed.

    """
    from matplotlib.figure import Figure  # noqa: PLC0415 (only the benchmark's own set-up has it)

    shown = [group for group in groups if any(_points(group, peer) for peer in group.figures)]
    if not shown:
        return False
    columns = min(COLUMNS, len(shown))
    rows = math.ceil(len(shown) / columns)
    size = (columns * PANEL_INCHES[0], rows * PANEL_INCHES[1] + 0.5)
    picture = Figure(figsize=size, layout="constrained")
    panels = picture.subplots(rows, columns, squeeze=False).flat
    for panel, group in zip(panels, shown, strict=False):
        _draw(panel, group)
    for panel in list(panels)[len(shown) :]:
        panel.set_axis_off()
    picture.suptitle(command, fontsize="small", family="monospace", wrap=True)
    picture.savefig(path, metadata={"Description": command, "Date": None})
    return True


def _points(group: Group, peer: str) -> list[tuple[float, float]]:
    figures = group.figures[peer]
    return [
        (budget, figures[budget].gap_percent or 0.0)
        for budget in group.budgets
        if budget in figures and figures[budget].gap_percent is not None
    ]


def _draw(panel: Any, group: Group) -> None:
    """One line for each solver; its place in the group is its colour, whoever is left out."""
    for number, peer in enumerate(group.figures):
        points = _points(group, peer)
        if points:
            budgets, gaps = zip(*points, strict=True)
            panel.plot(budgets, gaps, marker="o", color=f"C{number}", label=peer)
    panel.set_xscale("log")
    panel.set_xticks(group.budgets, [f"{budget:g}" for budget in group.budgets])
    panel.minorticks_off()
    panel.set_ylim(bottom=min(0.0, panel.get_ylim()[0]))
    panel.set_title(group.title, fontsize="medium")
    panel.set_xlabel("seconds")
    panel.set_ylabel("gap in %" if group.published else "above the best of these runs in %")
    panel.grid(alpha=0.3)
    panel.legend(fontsize="x-small")
