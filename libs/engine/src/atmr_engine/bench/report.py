"""The tables, for a terminal and as Markdown; the same words in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from atmr_engine.bench.figures import Figure
    from atmr_engine.bench.groups import Group

NOTHING = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One table in words."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def sheet(group: Group) -> Sheet:
    """A group in words: a column for each budget, then what was not served, refused, and taken.

    The later columns have a number for each budget, or one that all of them share.
    """
    header = ("solver", *(f"{budget:g} s" for budget in group.budgets), *_REST)
    if not group.published:
        header = (*header, "all served after")
    return Sheet(
        title=f"{group.title}: {_meaning(group)}",
        header=header,
        rows=tuple(_row(group, peer) for peer in group.figures),
    )


_REST = ("unserved", "breaches", "no answer", "mean s", "longest s")


def _meaning(group: Group) -> str:
    if group.vehicles_first:
        least = "the best known" if group.published else "the fewest of these runs"
        return f"vehicles above {least}; gap in distance in % where equal (instances)"
    if group.published:
        return "mean gap to the best known in %"
    return "cost (above the best of these runs in %)"


def _row(group: Group, peer: str) -> tuple[str, ...]:
    figures = group.figures[peer]
    present = [figures[budget] for budget in group.budgets if budget in figures]
    row = (
        peer,
        *(_cell(group, figures.get(budget)) for budget in group.budgets),
        _each(str(figure.unserved) for figure in present),
        _each(str(figure.refused) for figure in present),
        _each(str(figure.unanswered) for figure in present),
        _each(_decimals(figure.seconds, 1) for figure in present),
        _each(_decimals(figure.longest_s, 1) for figure in present),
    )
    if group.published:
        return row
    told = [figure.first_full_plan_s for figure in present if figure.first_full_plan_s is not None]
    return (*row, f"{min(told):.2f} s" if told else NOTHING)


def _cell(group: Group, figure: Figure | None) -> str:
    if figure is None:
        return NOTHING
    served = "" if figure.valid == figure.instances else f" ({figure.valid}/{figure.instances})"
    if group.vehicles_first and figure.extra_vehicles is not None:
        compared = f"{_decimals(figure.gap_percent, 2)} ({figure.compared}/{figure.instances})"
        return f"{figure.extra_vehicles:+d}{served}; {compared}"
    if figure.gap_percent is None:
        return NOTHING + served
    if group.published:
        return f"{_decimals(figure.gap_percent, 2)}{served}"
    return f"{figure.mean_distance:,.0f} ({figure.gap_percent:+.1f})"


def _each(values: Iterable[str]) -> str:
    """The values between strokes, or the one that all are."""
    all_values = list(values)
    return all_values[0] if len(set(all_values)) == 1 else " / ".join(all_values)


def _decimals(value: float | None, digits: int) -> str:
    """A number without a minus before zero: best values are rounded too."""
    return NOTHING if value is None else f"{round(value, digits) + 0.0:.{digits}f}"


def rich_table(words: Sheet) -> Table:
    """For a terminal; a row is one line, however narrow the terminal is."""
    table = Table(
        title=escape(words.title),
        title_justify="left",
        title_style="bold",
        box=SIMPLE,
        pad_edge=False,
    )
    for number, name in enumerate(words.header):
        table.add_column(escape(name), justify="right" if number else "left", no_wrap=True)
    for row in words.rows:
        table.add_row(*(escape(cell) for cell in row))
    return table


def markdown(notes: Iterable[str], sheets: Sequence[Sheet]) -> str:
    """A document: how it was made, then the tables."""
    parts = ["# Benchmark results\n", *(f"- {note}" for note in notes), ""]
    for words in sheets:
        parts += [f"## {words.title}\n", _line(words.header), _line(["---"] * len(words.header))]
        parts += [*(_line(row) for row in words.rows), ""]
    return "\n".join(parts)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
