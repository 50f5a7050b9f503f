"""A company with a row of every kind, all of whose texts carry its own mark.

Probes look for marks and ids of one company in what another one is answered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from support.dispatch_client import TODAY, DispatchApi
from support.fleet import a_driver, a_duty, a_vehicle, at, posted

from atmr_common.database.tenancy import of_company
from atmr_common.runtime.identifiers import new_id
from atmr_common.web.identity import Role
from dispatch_api import schema
from dispatch_api.patients.access_seals import seal_access_logs
from dispatch_api.recurring import keep_days
from dispatch_api.settings import DispatchSettings

DAY = date(2026, 3, 17)
DRIVER, CLINIC = "driver-1", "clinic-1"


@dataclass(frozen=True)
class Tenant:
    """A company; `ids` are of its rows, by what they are."""

    api: DispatchApi
    company_id: UUID
    mark: str
    ids: dict[str, str] = field(default_factory=dict)

    def client(self, role: Role = Role.DISPATCHER, subject: str | None = None) -> httpx.AsyncClient:
        own = {Role.DRIVER: DRIVER, Role.CLINIC: CLINIC}.get(role, "tester")
        return self.api.client(self.company_id, role, subject or f"{self.mark}-{own}")

    def traces(self) -> set[str]:
        """What must stand in no answer to another company."""
        return {self.mark, str(self.company_id), *self.ids.values()}


async def a_tenant(api: DispatchApi, settings: DispatchSettings) -> Tenant:
    """A company with a row in every table that has a company's rows."""
    mark = f"mk{uuid4().hex[:10]}"
    tenant = Tenant(api, await api.company(f"{mark} company"), mark)
    async with tenant.client() as dispatcher, tenant.client(Role.CLINIC) as clinic:
        await _patients(tenant, dispatcher, clinic)
        await _fleet(tenant, dispatcher)
        await _bookings(tenant, dispatcher, clinic)
    await _below_the_api(tenant, settings)
    return tenant


async def _patients(
    tenant: Tenant, dispatcher: httpx.AsyncClient, clinic: httpx.AsyncClient
) -> None:
    for client, of in ((dispatcher, ""), (clinic, "clinic_")):
        name = f"{tenant.mark} Mercier {of}"
        patient = await posted(
            client, "/v1/patients", name=name, reference=f"{tenant.mark}{of}", notes=tenant.mark
        )
        home = await posted(
            client,
            "/v1/places",
            patient_id=patient["id"],
            address=f"{tenant.mark} street 1",
            door_code=tenant.mark,
            lat=46.2,
            lon=6.1,
        )
        tenant.ids.update({f"{of}patient_id": patient["id"], f"{of}home_id": home["id"]})
    shared = await posted(
        dispatcher, "/v1/places", label=f"{tenant.mark} hospital", lat=46.21, lon=6.15
    )
    tenant.ids["place_id"] = shared["id"]


async def _fleet(tenant: Tenant, client: httpx.AsyncClient) -> None:
    ids, mark = tenant.ids, tenant.mark
    ids["vehicle_id"] = await a_vehicle(client, f"{mark} van", wheelchairs=2)
    ids["driver_id"] = await a_driver(
        client, f"{mark} Ana", subject=f"{mark}-{DRIVER}", start_place_id=ids["place_id"]
    )
    ids["idle_driver_id"] = await a_driver(client, f"{mark} Ben")
    duty = await a_duty(client, ids["vehicle_id"], ids["driver_id"], name=f"{mark} duty")
    ids["duty_id"] = duty["id"]
    shifts = await client.get("/v1/shifts", params={"driver_id": ids["driver_id"]})
    ids["shift_id"] = shifts.json()["items"][0]["id"]
    later = {"starts_at": at("08:00", "2026-04-20"), "ends_at": at("18:00", "2026-04-20")}
    outages, absences = (
        f"/v1/vehicles/{ids['vehicle_id']}/outages",
        f"/v1/drivers/{ids['driver_id']}/absences",
    )
    ids["outage_id"] = (await posted(client, outages, **later, reason=mark))["id"]
    ids["absence_id"] = (await posted(client, absences, **later, reason="holiday"))["id"]


def leg(tenant: Tenant, of: str = "", **fields: object) -> dict[str, object]:
    """The body of a request for a leg of the tenant's own."""
    ids, mark = tenant.ids, tenant.mark
    return {
        "patient_id": ids[f"{of}patient_id"],
        "pickup_place_id": ids[f"{of}home_id"],
        "dropoff_place_id": ids["place_id"],
        "pickup_from": at("08:10"),
        "pickup_to": at("08:30"),
        "notes": f"{mark} rings twice",
        **fields,
    }


async def _bookings(
    tenant: Tenant, dispatcher: httpx.AsyncClient, clinic: httpx.AsyncClient
) -> None:
    ids, mark = tenant.ids, tenant.mark
    dispatcher.headers["Idempotency-Key"] = f"{mark}-key"
    booked = await posted(dispatcher, "/v1/bookings", **leg(tenant, reference=f"{mark}-1"))
    del dispatcher.headers["Idempotency-Key"]
    ids["booking_id"] = booked["id"]
    asked = await posted(
        clinic, "/v1/bookings", **leg(tenant, "clinic_", reference=f"{mark}-2", purpose=mark)
    )
    ids["clinic_booking_id"] = asked["id"]
    waiver = {"rule": "window", "booking_id": ids["booking_id"], "excess_min": 5}
    ids["waiver_id"] = (
        await posted(dispatcher, "/v1/waivers", day=str(DAY), reason=mark, **waiver)
    )["id"]
    run = await dispatcher.post("/v1/dispatch-runs", json={"date": str(DAY)})
    assert run.status_code == 202, run.text
    ids["run_id"] = run.json()["id"]


async def _below_the_api(tenant: Tenant, settings: DispatchSettings) -> None:
    """Rows that only workers, consumers and the day itself write."""
    await keep_days(tenant.api.ports, settings)
    async with tenant.api.ports.database.transaction(of_company(tenant.company_id)) as session:
        for name, values in _rows(tenant):
            table = schema.metadata.tables[f"dispatch.{name}"]
            await session.execute(table.insert().values(company_id=tenant.company_id, **values))
    await seal_access_logs(tenant.api.ports.database, TODAY + timedelta(hours=1))


def _rows(tenant: Tenant) -> list[tuple[str, dict[str, Any]]]:
    ids = {name: UUID(value) for name, value in tenant.ids.items()}
    at_nine = TODAY + timedelta(days=1, hours=2)
    times = {"arrival_at": at_nine, "begin_at": at_nine, "end_at": at_nine}
    stop = {"duty_id": ids["duty_id"], "booking_id": ids["booking_id"]}
    return [
        ("plan", {"day": DAY, "version": 1, "run_id": ids["run_id"], "summary": {}}),
        ("plan_stop", {**stop, **times, "day": DAY, "sequence": 1, "kind": "pickup"}),
        (
            "assignment",
            {
                **stop,
                "day": DAY,
                "plan_version": 1,
                "planned_pickup_at": at_nine,
                "planned_dropoff_at": at_nine,
            },
        ),
        ("inbox", {"consumer": "probe", "event_id": new_id(), "received_at": TODAY}),
        (
            "driver_position",
            {
                "driver_id": ids["driver_id"],
                "recorded_at": TODAY,
                "received_at": TODAY,
                "lat": 46.2,
                "lon": 6.1,
            },
        ),
        (
            "decision",
            {
                "id": new_id(),
                "decided_at": TODAY,
                "booking_id": ids["booking_id"],
                "codec_version": 1,
                "state_hash": tenant.mark,
                "candidates": [],
                "by": tenant.mark,
            },
        ),
    ]
