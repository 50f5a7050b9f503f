"""Dispatch runs from the request to the committed plan, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import numpy as np
import pytest
from support.dispatch_client import DispatchApi
from support.dispatch_worker import worker_of
from support.stored_days import StoredDay, store_day

from atmr_common.contracts.dispatch import PlanCommitted, RunCompleted, RunRequested
from atmr_common.database.tenancy import OWNER
from atmr_common.travel.great_circle import GreatCircle
from atmr_common.travel.port import Coordinate, TravelMatrix
from atmr_common.web.identity import Role
from atmr_engine.formats.day import Day
from atmr_engine.simulate.demand import Demand, generate_day
from dispatch_api.dispatch.worker_loop import DispatchWorker

DAY = date(2026, 3, 16)


def generated(bookings: int = 12, duties: int = 3, seed: int = 1) -> Day:
    return generate_day(Demand(bookings=bookings, duties=duties, day=DAY), seed)


async def stored(api: DispatchApi, company_id: UUID, day: Day | None = None) -> StoredDay:
    async with api.ports.database.transaction(OWNER) as session:
        return await store_day(session, company_id, day or generated())


async def request_run(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post(
        "/v1/dispatch-runs", json={"date": str(DAY), "iterations": 20} | fields
    )
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/dispatch-runs/{answer.json()['id']}"
    return dict(answer.json())


async def read(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def worker(api: DispatchApi) -> DispatchWorker:
    return worker_of(api.ports)


async def outbox_types(api: DispatchApi) -> list[str]:
    async with api.ports.database.transaction(OWNER) as session:
        rows = await session.execute(api.ports.outbox.table.select().order_by("position"))
        return [row.headers["ce_type"].rsplit(".", 1)[1] for row in rows]


class TestARunFromRequestToPlan:
    async def test_every_booking_is_in_a_route_or_has_a_reason(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
    ) -> None:
        day = await stored(dispatch_api, company_id)
        run = await request_run(dispatcher)
        assert await worker(dispatch_api).work_once()
        run = await read(dispatcher, f"/v1/dispatch-runs/{run['id']}")
        plan = await read(dispatcher, f"/v1/plans/{DAY}")
        assert run["state"] == "completed", run["error"]
        assert (run["plan_version"], plan["version"]) == (1, 1)
        planned = {
            stop["booking_id"]
            for route in plan["routes"]
            for stop in route["stops"]
            if stop["kind"] == "pickup"
        }
        left = plan["summary"]["unserved"] + plan["summary"]["held"]
        assert planned
        assert planned | {each["booking_id"] for each in left} == set(
            map(str, day.bookings.values())
        )
        assert all(each["reason"] for each in left)

    async def test_every_stage_is_recorded_with_time_and_objective(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
    ) -> None:
        await stored(dispatch_api, company_id)
        run = await request_run(dispatcher)
        await worker(dispatch_api).work_once()
        run = await read(dispatcher, f"/v1/dispatch-runs/{run['id']}")
        stages = {stage["stage"]: stage for stage in run["stages"]}
        assert list(stages) == ["build", "travel", "heuristic", "solver", "check", "commit"]
        assert all(stage["seconds"] >= 0 for stage in stages.values())
        assert stages["solver"]["objective"] <= stages["heuristic"]["objective"]
        assert stages["check"]["objective"] == run["result"]["objective"]
        assert stages["solver"]["detail"]["iterations"] == 20
        assert run["result"]["travel_source"] == "great_circle"

    async def test_a_heuristic_run_does_not_search(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
    ) -> None:
        await stored(dispatch_api, company_id)
        run = await request_run(dispatcher, mode="heuristic")
        await worker(dispatch_api).work_once()
        run = await read(dispatcher, f"/v1/dispatch-runs/{run['id']}")
        assert "solver" not in {stage["stage"] for stage in run["stages"]}
        assert run["result"]["source"] == "construction"

    async def test_the_same_day_seed_and_iterations_give_the_same_plan(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
    ) -> None:
        await stored(dispatch_api, company_id)
        plans = []
        for _ in range(2):
            await request_run(dispatcher, seed=7)
            await worker(dispatch_api).work_once()
            plans.append(await read(dispatcher, f"/v1/plans/{DAY}"))
        assert plans[0]["routes"] == plans[1]["routes"]
        assert [plan["version"] for plan in plans] == [1, 2]

    async def test_events_tell_what_was_committed(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
    ) -> None:
        await stored(dispatch_api, company_id)
        await request_run(dispatcher)
        await worker(dispatch_api).work_once()
        types = await outbox_types(dispatch_api)
        plan = await read(dispatcher, f"/v1/plans/{DAY}")
        served = sum(len(route["stops"]) for route in plan["routes"])
        assert types[0] == RunRequested.__name__
        assert types[-1] == RunCompleted.__name__
        assert types.count(PlanCommitted.__name__) == 1
        assert 0 < types.count("AssignmentCommitted") <= served

    async def test_an_empty_day_gives_an_empty_plan(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
    ) -> None:
        run = await request_run(dispatcher)
        await worker(dispatch_api).work_once()
        run = await read(dispatcher, f"/v1/dispatch-runs/{run['id']}")
        assert (run["state"], run["result"]["served"]) == ("completed", 0)

    async def test_a_day_without_a_duty_leaves_all_unserved_with_a_reason(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
    ) -> None:
        day = generated(bookings=4, duties=1)
        without = Day(date=day.date, zone=day.zone, bookings=day.bookings)
        await stored(dispatch_api, company_id, without)
        await request_run(dispatcher)
        await worker(dispatch_api).work_once()
        summary = (await read(dispatcher, f"/v1/plans/{DAY}"))["summary"]
        assert len(summary["unserved"]) + len(summary["held"]) == 4
        assert all(each["rule"] and each["reason"] for each in summary["unserved"])

    async def test_a_day_that_was_never_planned_is_at_version_0(
        self, dispatcher: httpx.AsyncClient
    ) -> None:
        plan = await read(dispatcher, "/v1/plans/2030-01-01")
        assert (plan["version"], plan["routes"]) == (0, [])


class SlowTravel(GreatCircle):
    """Great-circle times that do something first, once."""

    def __init__(self, first: Any) -> None:
        super().__init__()
        self._first = first

    async def matrix(self, points: Sequence[Coordinate]) -> TravelMatrix:
        first, self._first = self._first, None
        if first is not None:
            await first()
        return await super().matrix(points)


class DeadWorker(DispatchWorker):
    """Does not renew its lease any more, nor looks whose its run is."""

    async def _look(self, *, renew: bool) -> None:
        del renew


def with_travel(api: DispatchApi, travel: Any) -> DispatchWorker:
    return worker_of(replace(api.ports, travel=travel))


class TestRaces:
    async def test_two_workers_on_one_day_lose_no_update(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
    ) -> None:
        """Both read version 0; the second to commit must begin again and become version 2."""
        await stored(dispatch_api, company_id)
        runs = [await request_run(dispatcher, seed=seed) for seed in (1, 2)]
        meeting = asyncio.Barrier(2)
        workers = [with_travel(dispatch_api, SlowTravel(meeting.wait)) for _ in range(2)]
        assert await asyncio.gather(*(each.work_once() for each in workers)) == [True, True]
        ended = [await read(dispatcher, f"/v1/dispatch-runs/{run['id']}") for run in runs]
        assert {run["state"] for run in ended} == {"completed"}
        assert sorted(run["plan_version"] for run in ended) == [1, 2]
        assert sorted(run["attempts"] for run in ended) == [0, 1]
        plan = await read(dispatcher, f"/v1/plans/{DAY}")
        last = next(run for run in ended if run["plan_version"] == 2)
        assert (plan["version"], plan["run_id"]) == (2, last["id"])

    async def test_two_workers_never_take_the_same_run(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
    ) -> None:
        await request_run(dispatcher)
        workers = [worker(dispatch_api) for _ in range(3)]
        taken = await asyncio.gather(*(each.work_once() for each in workers))
        assert sorted(taken) == [False, False, True]

    async def test_a_booking_that_changes_meanwhile_makes_the_run_begin_again(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
    ) -> None:
        day = await stored(dispatch_api, company_id)
        gone = next(iter(day.bookings.values()))
        run = await request_run(dispatcher)

        async def cancel() -> None:
            answer = await dispatcher.post(f"/v1/bookings/{gone}/cancel", json={"reason": "other"})
            assert answer.status_code == 200, answer.text

        await with_travel(dispatch_api, SlowTravel(cancel)).work_once()
        run = await read(dispatcher, f"/v1/dispatch-runs/{run['id']}")
        plan = await read(dispatcher, f"/v1/plans/{DAY}")
        assert (run["state"], run["attempts"]) == ("completed", 1)
        assert str(gone) not in str(plan["routes"])

    async def test_a_cancelled_run_commits_nothing(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
    ) -> None:
        await stored(dispatch_api, company_id)
        run = await request_run(dispatcher)

        async def cancel() -> None:
            answer = await dispatcher.post(f"/v1/dispatch-runs/{run['id']}/cancel")
            assert answer.status_code == 200, answer.text

        await with_travel(dispatch_api, SlowTravel(cancel)).work_once()
        run = await read(dispatcher, f"/v1/dispatch-runs/{run['id']}")
        assert run["state"] == "cancelled"
        assert (await read(dispatcher, f"/v1/plans/{DAY}"))["version"] == 0
        again = await dispatcher.post(f"/v1/dispatch-runs/{run['id']}/cancel")
        assert (again.status_code, again.json()["code"]) == (409, "run_ended")

    async def test_the_run_of_a_dead_worker_is_taken_over(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
    ) -> None:
        run = await request_run(dispatcher)
        died = asyncio.Event()

        async def die() -> None:
            died.set()
            await asyncio.Event().wait()

        ports = replace(dispatch_api.ports, travel=SlowTravel(die))
        dead = worker_of(ports, kind=DeadWorker)
        first = asyncio.create_task(dead.work_once())
        await died.wait()
        assert not await worker(dispatch_api).work_once(), "the lease still holds"
        dispatch_api.clock.advance(timedelta(minutes=5))
        assert await worker(dispatch_api).work_once()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert (await read(dispatcher, f"/v1/dispatch-runs/{run['id']}"))["state"] == "completed"

    async def test_a_run_of_a_worker_that_stops_goes_back_to_the_queue(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
    ) -> None:
        run = await request_run(dispatcher)
        started = asyncio.Event()

        async def wait() -> None:
            started.set()
            await asyncio.Event().wait()

        stopping = asyncio.create_task(with_travel(dispatch_api, SlowTravel(wait)).work_once())
        await started.wait()
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)
        assert (await read(dispatcher, f"/v1/dispatch-runs/{run['id']}"))["state"] == "queued"


class TestWhatGoesWrong:
    async def test_travel_times_that_fail_end_the_run_with_the_reason(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient
    ) -> None:
        run = await request_run(dispatcher)

        async def fail() -> None:
            raise ValueError("no map")

        await with_travel(dispatch_api, SlowTravel(fail)).work_once()
        run = await read(dispatcher, f"/v1/dispatch-runs/{run['id']}")
        assert run["state"] == "failed"
        assert "no map" in run["error"]

    async def test_degraded_travel_marks_run_and_plan(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
    ) -> None:
        class Degraded(GreatCircle):
            async def matrix(self, points: Sequence[Coordinate]) -> TravelMatrix:
                good = await super().matrix(points)
                return TravelMatrix(good.time_s, good.distance_km, good.source, "osrm_unavailable")

        await stored(dispatch_api, company_id)
        run = await request_run(dispatcher)
        await with_travel(dispatch_api, Degraded()).work_once()
        run = await read(dispatcher, f"/v1/dispatch-runs/{run['id']}")
        plan = await read(dispatcher, f"/v1/plans/{DAY}")
        assert run["result"]["degraded"] == "osrm_unavailable"
        assert plan["summary"]["degraded"] == "osrm_unavailable"

    async def test_places_that_cannot_be_reached_leave_bookings_unserved(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
    ) -> None:
        class Islands(GreatCircle):
            async def matrix(self, points: Sequence[Coordinate]) -> TravelMatrix:
                apart = np.where(np.eye(len(points)) == 1, 0.0, np.inf)
                return TravelMatrix(apart, apart.copy(), "islands")

        day = await stored(dispatch_api, company_id)
        await request_run(dispatcher)
        await with_travel(dispatch_api, Islands()).work_once()
        plan = await read(dispatcher, f"/v1/plans/{DAY}")
        left = plan["summary"]["unserved"] + plan["summary"]["held"]
        assert (plan["routes"], len(left)) == ([], len(day.bookings))

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"date": "16.03.2026"}, "#/body/date"),
            ({"mode": "magic"}, "#/body/mode"),
            ({"seconds": -1}, "#/body/seconds"),
            ({"seconds": 10_000}, "#/body/seconds"),
            ({"seed": -1}, "#/body/seed"),
            ({"surprise": 1}, "#/body/surprise"),
        ],
    )
    async def test_a_bad_request_names_the_field(
        self, dispatcher: httpx.AsyncClient, fields: dict[str, Any], pointer: str
    ) -> None:
        answer = await dispatcher.post("/v1/dispatch-runs", json={"date": str(DAY)} | fields)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer

    async def test_an_unknown_run_is_not_found(self, dispatcher: httpx.AsyncClient) -> None:
        assert (await dispatcher.get(f"/v1/dispatch-runs/{uuid4()}")).status_code == 404
        cancelled = await dispatcher.post(f"/v1/dispatch-runs/{uuid4()}/cancel")
        assert cancelled.status_code == 404


class TestTenancy:
    async def test_another_company_sees_no_run_and_no_plan(
        self, dispatch_api: DispatchApi, dispatcher: httpx.AsyncClient, company_id: UUID
    ) -> None:
        await stored(dispatch_api, company_id)
        run = await request_run(dispatcher)
        await worker(dispatch_api).work_once()
        async with dispatch_api.client(await dispatch_api.company("Another")) as stranger:
            assert (await stranger.get(f"/v1/dispatch-runs/{run['id']}")).status_code == 404
            assert (await stranger.get("/v1/dispatch-runs")).json()["items"] == []
            assert (await read(stranger, f"/v1/plans/{DAY}"))["version"] == 0
            cancelled = await stranger.post(f"/v1/dispatch-runs/{run['id']}/cancel")
            assert cancelled.status_code == 404

    @pytest.mark.parametrize("role", [Role.DRIVER, Role.CLINIC, Role.PATIENT])
    async def test_only_dispatchers_plan(
        self, dispatch_api: DispatchApi, company_id: UUID, role: Role
    ) -> None:
        async with dispatch_api.client(company_id, role) as client:
            answer = await client.post("/v1/dispatch-runs", json={"date": str(DAY)})
            plan = await client.get(f"/v1/plans/{DAY}")
        assert (answer.status_code, plan.status_code) == (403, 403)

    async def test_runs_are_listed_newest_first_and_in_pages(
        self, dispatcher: httpx.AsyncClient
    ) -> None:
        made = [(await request_run(dispatcher))["id"] for _ in range(3)]
        first = await read(dispatcher, "/v1/dispatch-runs?limit=2")
        second = await read(dispatcher, f"/v1/dispatch-runs?limit=2&cursor={first['next_cursor']}")
        seen = [run["id"] for run in first["items"] + second["items"]]
        assert seen == sorted(made, reverse=True)
        assert second["next_cursor"] is None
        elsewhere = await read(dispatcher, "/v1/dispatch-runs?date=2031-01-01")
        assert elsewhere["items"] == []
