"""What of a problem a held plan cannot keep yet, though `solve` plans by it.

A desk refuses such a problem by name instead of answering as if the part were not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.problem import ProblemError

if TYPE_CHECKING:
    from atmr_engine.problem import Problem


def refuse_unheld(problem: Problem) -> None:
    """Return when a held plan can keep all that `problem` states.

    Raises:
        ProblemError: naming the field that it cannot.

    """
    if problem.reserves:
        raise ProblemError("reserves", "a desk cannot hold capacity in reserve yet, `solve` can")
