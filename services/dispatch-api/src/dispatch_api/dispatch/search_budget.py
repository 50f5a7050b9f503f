"""How long a run searches: as long as was asked for, else by the size of the day and the queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from atmr_engine.budget import Budget

USUAL_BOOKINGS = 100
"""The service's search time is that of a day with so many bookings."""
LARGEST_SHARE = 10.0
LEAST_UNDER_LOAD = 0.05
"""The part of a search that every run keeps, however many wait."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What run, company and service say of a search's seconds; None where one says nothing."""

    run_seconds: float | None
    run_iterations: int | None
    company_seconds: float | None
    service_seconds: float


@dataclass(frozen=True, kw_only=True)
class Load:
    """How many wait (see `Claim`) for so many slots (see `Slots.in_turn`)."""

    waiting: int
    slots: int


@dataclass(frozen=True, kw_only=True)
class SearchBudget:
    """A search's budget, and what is recorded of how it came about."""

    budget: Budget
    detail: dict[str, Any]


def search_budget(wishes: Wishes, bookings: int, load: Load) -> SearchBudget:
    """The budget of one search.

    Seconds that the run or the company asked for stand. Else a day's are in proportion to its
    bookings, and where more wait than there are slots, they are shortened, which is recorded.
    """
    if wishes.run_seconds is None and wishes.run_iterations is not None:
        return SearchBudget(budget=Budget(iterations=wishes.run_iterations), detail={})
    for source, seconds in (("run", wishes.run_seconds), ("company", wishes.company_seconds)):
        if seconds is not None:
            return _of(seconds, wishes.run_iterations, {"budget_from": source})
    share = min(bookings / USUAL_BOOKINGS, LARGEST_SHARE)
    seconds = wishes.service_seconds * share
    detail: dict[str, Any] = {"budget_from": "size"}
    if load.waiting > load.slots:
        seconds *= max(LEAST_UNDER_LOAD, load.slots / load.waiting)
        detail |= {"shortened_by": "queue", "waiting": load.waiting}
    return _of(seconds, None, detail)


def _of(seconds: float, iterations: int | None, detail: dict[str, Any]) -> SearchBudget:
    return SearchBudget(
        budget=Budget(seconds=seconds, iterations=iterations),
        detail={"budget_s": round(seconds, 3), **detail},
    )
