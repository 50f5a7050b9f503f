"""Which parts of a problem the search cannot plan yet, though checker and objective know them.

`solve` refuses such a problem by name instead of planning as if the part were not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atmr_engine.problem import Problem


def unplanned_features(problem: Problem) -> tuple[str, ...]:
    """The fields of `problem` that the search does not plan by yet, as errors name them.

    A fact that costs nothing under the problem's weights and binds nothing is planned: it changes
    no plan.
    """
    return tuple(_fields(problem))


def refuse_unplanned(problem: Problem) -> None:
    """Return when the search can plan all that `problem` states.

    Raises:
        ProblemError: naming the first field that is not planned yet.

    """
    for field in unplanned_features(problem):
        raise ProblemError(field, "is not planned yet: the checker and the objective know it alone")


def _fields(problem: Problem) -> Iterator[str]:
    if problem.reserves:
        yield "reserves"
