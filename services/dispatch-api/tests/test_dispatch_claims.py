"""The order in which workers claim runs: fair between companies, never twice, never all slots."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.databases import run_apart
from support.dispatch_client import TODAY, DispatchApi

from atmr_common.database.engine import Database
from atmr_common.database.tenancy import OWNER, PLATFORM
from atmr_common.runtime.identifiers import new_id
from dispatch_api.dispatch.claims import Claim, RunClaims
from dispatch_api.dispatch.domain import RunMode, RunState
from dispatch_api.dispatch.tables import DispatchRunRow

LEASE = timedelta(seconds=30)
COMPANIES = 3


@dataclass(frozen=True)
class Known:
    """A run as the property's own, plain reckoning sees it."""

    company: int
    state: RunState
    requested_s: int
    started_s: int | None
    worker: str | None
    lease_s: int | None

    def waits(self) -> bool:
        return self.state is RunState.QUEUED or (
            self.state is RunState.RUNNING and (self.lease_s or 0) < 0
        )

    def works(self) -> bool:
        return self.state is RunState.RUNNING and not self.waits()


def known(company: int, state: RunState, requested_s: int, at_s: int, mine: bool) -> Known:  # noqa: FBT001  built by Hypothesis
    if state is RunState.QUEUED:
        return Known(company, state, requested_s, None, None, None)
    if state is RunState.RUNNING:
        return Known(company, state, requested_s, at_s, "me" if mine else "other", at_s)
    return Known(company, state, requested_s, at_s, "other", None)


RUNS = st.lists(
    st.builds(
        known,
        st.integers(0, COMPANIES - 1),
        st.sampled_from([RunState.QUEUED, RunState.RUNNING, RunState.COMPLETED]),
        st.integers(-100, 0),
        st.integers(-50, 50),
        st.booleans(),
    ),
    max_size=12,
)


def expected(runs: Sequence[Known], most: int) -> set[int]:
    """The positions of the runs that may be claimed: more than one where all else is equal."""

    def at_work(company: int, *, mine: bool = False) -> int:
        return sum(
            run.company == company and run.works() and (not mine or run.worker == "me")
            for run in runs
        )

    def order(run: Known) -> tuple[Any, ...]:
        served = [r.started_s for r in runs if r.company == run.company and r.started_s is not None]
        return (
            at_work(run.company),
            (0, 0) if not served else (1, max(served)),
            run.requested_s,
        )

    may = [
        (order(run), index)
        for index, run in enumerate(runs)
        if run.waits() and at_work(run.company, mine=True) < most
    ]
    return {index for key, index in may if key == min(may)[0]}


def rows_of(runs: Sequence[Known], companies: Sequence[UUID]) -> list[DispatchRunRow]:
    def at(seconds: int | None) -> datetime | None:
        return None if seconds is None else TODAY + timedelta(seconds=seconds)

    return [
        DispatchRunRow(
            id=new_id(),
            company_id=companies[run.company],
            day=date(2026, 3, 16),
            mode=RunMode.AUTO,
            state=run.state,
            requested_by="tests",
            requested_at=at(run.requested_s),
            started_at=at(run.started_s),
            worker=run.worker,
            lease_until=at(run.lease_s),
            stages=[],
        )
        for run in runs
    ]


class TestOrder:
    @pytest.fixture
    async def companies(self, dispatch_api: DispatchApi) -> list[UUID]:
        return [await dispatch_api.company(f"Company {number}") for number in range(COMPANIES)]

    async def test_is_the_plain_reckoning_s(self, companies: list[UUID], database_url: str) -> None:
        @settings(max_examples=60, deadline=None)
        @given(runs=RUNS, most=st.integers(1, 3))
        def holds(runs: list[Known], most: int) -> None:
            claimed = run_apart(claim_of(database_url, rows_of(runs, companies), most))
            may = expected(runs, most)
            assert (claimed in may) if may else claimed is None

        await asyncio.to_thread(holds)


async def claim_of(url: str, rows: list[DispatchRunRow], most: int) -> int | None:
    """Which of `rows` is claimed when they are all that there is."""
    database = Database(url, schema="dispatch", pool_size=1)
    try:
        async with database.transaction(OWNER) as session:
            await session.execute(DispatchRunRow.__table__.delete())  # type: ignore[attr-defined]  # SQLModel adds it
            session.add_all(rows)
        ids = [row.id for row in rows]
        async with database.transaction(PLATFORM) as session:
            claim = await RunClaims(session, "me").claim(TODAY, LEASE, most_of_one=most)
        return None if claim is None else ids.index(claim.run.id)
    finally:
        await database.aclose()


class TestManyClaims:
    @pytest.fixture
    async def queue(self, dispatch_api: DispatchApi) -> list[UUID]:
        """Ten runs of one company that came first, and one of each of three others."""
        companies = [await dispatch_api.company(f"Company {number}") for number in range(4)]
        waiting = [known(0, RunState.QUEUED, -100 + number, 0, mine=False) for number in range(10)]
        waiting += [known(other, RunState.QUEUED, other - 10, 0, mine=False) for other in (1, 2, 3)]
        async with dispatch_api.ports.database.transaction(OWNER) as session:
            session.add_all(rows_of(waiting, companies))
        return companies

    async def test_companies_with_one_run_do_not_wait_behind_one_with_ten(
        self, dispatch_api: DispatchApi, queue: list[UUID]
    ) -> None:
        claims = [await claim(dispatch_api, "one") for _ in range(4)]
        assert [each.company_id for each in claims if each] == queue

    async def test_one_company_never_has_all_slots_of_a_worker(
        self, dispatch_api: DispatchApi, queue: list[UUID]
    ) -> None:
        claims = [await claim(dispatch_api, "one", most=2) for _ in range(13)]
        counted = Counter(each.company_id for each in claims if each)
        assert counted == {queue[0]: 2, queue[1]: 1, queue[2]: 1, queue[3]: 1}
        elsewhere = await claim(dispatch_api, "another", most=2)
        assert elsewhere is not None
        assert elsewhere.company_id == queue[0]

    async def test_many_workers_at_once_never_claim_a_run_twice(
        self, dispatch_api: DispatchApi, queue: list[UUID]
    ) -> None:
        del queue
        claims = await asyncio.gather(
            *(claim(dispatch_api, f"worker {number}") for number in range(13))
        )
        ids = [each.run.id for each in claims if each]
        assert len(ids) == len(set(ids)) == 13

    async def test_what_one_company_piles_up_is_not_counted_against_another(
        self, dispatch_api: DispatchApi, queue: list[UUID]
    ) -> None:
        first = await claim(dispatch_api, "one")
        second = await claim(dispatch_api, "one")
        assert first is not None
        assert second is not None
        assert (first.company_id, first.waiting) == (queue[0], 9)
        assert (second.company_id, second.waiting) == (queue[1], 3)


async def claim(api: DispatchApi, worker: str, most: int = 20) -> Claim | None:
    async with api.ports.database.transaction(PLATFORM) as session:
        return await RunClaims(session, worker).claim(TODAY, LEASE, most_of_one=most)
