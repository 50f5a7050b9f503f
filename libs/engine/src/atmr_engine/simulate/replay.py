"""A recorded day, read again: the same lines give the same results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.simulate.events import RecordError, from_lines
from atmr_engine.simulate.results import DrivenDay, results

if TYPE_CHECKING:
    from collections.abc import Iterable

    from atmr_engine.problem import Problem
    from atmr_engine.simulate.conduct import Conduct


def replay(problem: Problem, lines: Iterable[str], conduct: Conduct | None = None) -> DrivenDay:
    """The results of a day from its record, JSON lines as `events.as_lines` writes them.

    `problem` is the day's, with free-flow travel times; the record may come from a simulation or
    from what a dispatch system saw.

    Raises:
        RecordError: naming the line that is no event, or names a stranger.

    """
    events = from_lines(lines)
    for number, event in enumerate(events, start=1):
        if event.request is not None and event.request not in problem.request_index:
            raise RecordError(number, f"the day has no request {event.request!r}")
        if event.duty is not None and event.duty not in problem.duty_index:
            raise RecordError(number, f"the day has no duty {event.duty!r}")
    return results(problem, events, conduct)
