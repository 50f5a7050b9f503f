"""How long a run searches: by wish, by the size of the day, by the queue; never silently less."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atmr_engine.budget import Budget
from dispatch_api.dispatch.search_budget import (
    LARGEST_SHARE,
    LEAST_UNDER_LOAD,
    Load,
    SearchBudget,
    Wishes,
    search_budget,
)

NO_QUEUE = Load(waiting=0, slots=3)
LONG_QUEUE = Load(waiting=50, slots=3)


def budget(
    bookings: int = 100,
    load: Load = NO_QUEUE,
    *,
    run: float | None = None,
    iterations: int | None = None,
    company: float | None = None,
) -> SearchBudget:
    wishes = Wishes(
        run_seconds=run, run_iterations=iterations, company_seconds=company, service_seconds=2.0
    )
    return search_budget(wishes, bookings, load)


@pytest.mark.parametrize("load", [NO_QUEUE, LONG_QUEUE])
def test_what_was_asked_for_stands_also_under_load(load: Load) -> None:
    asked = budget(5, load, run=60)
    assert asked.budget == Budget(seconds=60)
    assert asked.detail == {"budget_s": 60, "budget_from": "run"}
    assert budget(5, load, company=7).detail == {"budget_s": 7, "budget_from": "company"}
    assert budget(5, load, run=1, company=7).budget == Budget(seconds=1)
    assert budget(5, load, run=1, iterations=9).budget == Budget(seconds=1, iterations=9)


@pytest.mark.parametrize("load", [NO_QUEUE, LONG_QUEUE])
def test_iterations_alone_stay_alone_so_that_a_plan_can_be_made_again(load: Load) -> None:
    assert budget(5, load, iterations=9, company=7) == SearchBudget(
        budget=Budget(iterations=9), detail={}
    )


@pytest.mark.parametrize(
    ("bookings", "seconds"), [(0, 0), (20, 0.4), (100, 2), (300, 6), (1000, 20), (5000, 20)]
)
def test_a_day_searches_in_proportion_to_its_size(bookings: int, seconds: float) -> None:
    found = budget(bookings)
    assert found.budget.seconds == pytest.approx(seconds)
    assert found.detail == {"budget_s": pytest.approx(seconds), "budget_from": "size"}


def test_a_queue_shortens_the_search_and_it_is_recorded() -> None:
    found = budget(20, LONG_QUEUE)
    assert found.budget.seconds == pytest.approx(0.4 * 3 / 50)
    assert found.detail == {
        "budget_s": 0.024,
        "budget_from": "size",
        "shortened_by": "queue",
        "waiting": 50,
    }


def test_a_part_of_the_search_is_left_however_many_wait() -> None:
    found = budget(20, Load(waiting=5_000, slots=3))
    assert found.budget.seconds == pytest.approx(0.4 * LEAST_UNDER_LOAD)


@given(bookings=st.integers(0, 5000), waiting=st.integers(0, 10_000), slots=st.integers(1, 64))
def test_less_than_the_size_gives_is_always_marked_and_bounded(
    bookings: int, waiting: int, slots: int
) -> None:
    alone = budget(bookings).budget.seconds or 0.0
    found = budget(bookings, Load(waiting=waiting, slots=slots))
    seconds = found.budget.seconds or 0.0
    assert alone * LEAST_UNDER_LOAD - 1e-9 <= seconds <= alone <= 2.0 * LARGEST_SHARE
    assert ("shortened_by" in found.detail) == (waiting > slots)
    assert seconds == alone or found.detail["shortened_by"] == "queue"
