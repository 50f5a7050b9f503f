"""Runs arranged as the report shows them: a group for each part of a set, a figure in each cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from atmr_engine.bench.figures import figure, grouped, references_of
from atmr_engine.bench.sets import natural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from atmr_engine.bench.best_known import BestKnown
    from atmr_engine.bench.figures import Figure
    from atmr_engine.bench.run import Run

OPTIMAL = ("a", "b")
"""Two sets of which every optimum is known: they are also shown together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Figures by solver and budget of instances that belong together.

    `published` is whether gaps are to best-known values, and not to the best of these runs.
    """

    title: str
    published: bool
    vehicles_first: bool
    budgets: tuple[float, ...]
    figures: Mapping[str, Mapping[float, Figure]]


def groups_of(runs: Sequence[Run]) -> list[Group]:
    """A group for each set and part; one for each instance that has no published best value."""
    references = references_of(runs)
    published = [run for run in runs if run.best_distance is not None]
    groups = [
        _group(f"{members[0].set_name}, {members[0].part}", members, references, published=True)
        for members in grouped(published, lambda run: (run.set_name, run.part))
    ]
    optimal = [run for run in published if run.set_name in OPTIMAL]
    if {run.set_name for run in optimal} == set(OPTIMAL):
        groups.append(_group("a and b, all", optimal, references, published=True))
    others = [run for run in runs if run.best_distance is None]
    for members in grouped(others, lambda run: (run.set_name, run.instance)):
        title = f"{members[0].set_name}, {members[0].instance}"
        groups.append(_group(title, members, references, published=False))
    return groups


def _group(
    title: str,
    runs: Sequence[Run],
    references: Mapping[tuple[str, str], BestKnown],
    *,
    published: bool,
) -> Group:
    count = len({run.instance for run in runs})
    counted = f"{title} ({count} instance{'s' if count > 1 else ''})"
    return Group(
        title=counted if published else title,
        published=published,
        vehicles_first=runs[0].vehicles_first,
        budgets=tuple(sorted({run.budget_s for run in runs})),
        figures={
            members[0].peer: {
                same[0].budget_s: figure(same, references)
                for same in grouped(members, lambda run: run.budget_s)
            }
            for members in grouped(sorted(runs, key=_order), lambda run: run.peer)
        },
    )


def _order(run: Run) -> tuple[bool, list[tuple[int, str]]]:
    """Ours first, the others by name."""
    return run.peer != "ours", natural(run.peer)
