"""A dispatch run on a real OSRM server, which is killed in the middle of one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import httpx
from support.dispatch_client import TODAY, DispatchApi
from support.dispatch_worker import worker_of
from support.osrm import OsrmServer
from support.stored_days import store_day

from atmr_common.database.tenancy import OWNER
from atmr_common.runtime.clock import FixedClock
from atmr_engine.formats.day import Point
from atmr_engine.simulate.demand import Demand, generate_day
from atmr_engine.simulate.geography import City
from dispatch_api.composition import make_ports
from dispatch_api.settings import DispatchSettings

DAY = date(2026, 3, 16)
ON_THE_MAP = City(centre=Point(46.209, 6.126), radius_km=1.2)
BLOCKS_BEFORE_THE_KILL = 2


async def planned(
    api: DispatchApi, company_id: UUID, settings: DispatchSettings, http: httpx.AsyncClient
) -> dict[str, Any]:
    """The plan of a run with travel times of its own, nothing cached."""
    jwks = api.issuer.jwks()
    async with (
        make_ports(settings, clock=FixedClock(TODAY), jwks=jwks, http=http) as ports,
        api.client(company_id) as dispatcher,
    ):
        run = await dispatcher.post("/v1/dispatch-runs", json={"date": str(DAY), "iterations": 50})
        worker = worker_of(replace(ports, database=api.ports.database))
        assert await worker.work_once()
        ended = (await dispatcher.get(f"/v1/dispatch-runs/{run.json()['id']}")).json()
        assert ended["state"] == "completed", ended["error"]
        return dict((await dispatcher.get(f"/v1/plans/{DAY}")).json())


async def test_osrm_is_killed_in_mid_run_and_the_plan_is_degraded_and_correct(
    dispatch_settings: DispatchSettings, dispatch_api: DispatchApi, geneva_osrm_server: OsrmServer
) -> None:
    changes = {"osrm_url": geneva_osrm_server.url, "osrm_block_size": 2}
    settings = dispatch_settings.model_copy(update=changes)
    company_id = await dispatch_api.company()
    day = generate_day(Demand(bookings=16, duties=4, day=DAY, city=ON_THE_MAP), seed=4)
    async with dispatch_api.ports.database.transaction(OWNER) as session:
        await store_day(session, company_id, day)
    answered = 0

    async def kill_in_the_middle(_: httpx.Response) -> None:
        nonlocal answered
        answered += 1
        if answered == BLOCKS_BEFORE_THE_KILL:
            geneva_osrm_server.kill()

    async with httpx.AsyncClient() as http:
        before = await planned(dispatch_api, company_id, settings, http)
    async with httpx.AsyncClient(event_hooks={"response": [kill_in_the_middle]}) as http:
        after = await planned(dispatch_api, company_id, settings, http)

    assert answered >= BLOCKS_BEFORE_THE_KILL
    sources = [(p["summary"]["travel_source"], p["summary"]["degraded"]) for p in (before, after)]
    assert sources == [("osrm", None), ("great_circle", "osrm_unavailable")]
    assert [plan["version"] for plan in (before, after)] == [1, 2]
    assert after["summary"]["kpis"]["requests"] == 16
