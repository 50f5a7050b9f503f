"""Results shown and kept: tables on the terminal, Markdown and a picture beside the CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from atmr_engine.bench.groups import groups_of
from atmr_engine.bench.plot import INSTALLED, write_plot
from atmr_engine.bench.provenance import processor_shares
from atmr_engine.bench.report import markdown, rich_table, sheet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from atmr_engine.bench.run import Run

LEAST_SHARE, MOST_SHARE = 0.95, 1.05
"""Outside of these a search did not have one processor, and the times mean little."""


def named(out: Path, suffix: str) -> Path:
    """`out` with a suffix added, so that a point in its name stays."""
    return out.with_name(out.name + suffix)


def show_results(
    notes: Sequence[str], runs: Sequence[Run], out: Path, screen: Console, aside: Console
) -> None:
    """Print the tables, write `out`.md and, where it can be drawn, `out`.svg.

    The first of `notes` is the command; it stands in the picture.
    """
    groups = groups_of(runs)
    sheets = [sheet(group) for group in groups]
    for words in sheets:
        screen.print(rich_table(words))
    shares = processor_shares(runs)
    told = ", ".join(f"{peer} {share:.2f}" for peer, share in shares.items())
    sentence = f"processors used while searching (1 is fair): {told}"
    document = markdown([*notes, sentence], sheets)
    named(out, ".md").write_text(document, encoding="utf-8")
    if any(not LEAST_SHARE <= share <= MOST_SHARE for share in shares.values()):
        _warn(aside, "Do not publish", f"{sentence}; other work shared the machine")
    if not INSTALLED:
        _warn(aside, "No picture", "matplotlib is not installed (make setup-bench)")
    elif not write_plot(groups, notes[0], named(out, ".svg")):
        _warn(aside, "No picture", "no solver has a figure")


def _warn(aside: Console, what: str, why: str) -> None:
    aside.print(f"[yellow]{what}:[/yellow] {escape(why)}")
