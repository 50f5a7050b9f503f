"""Nobody is answered with what is another company's, or hidden from their role: 0 leaks.

The probes are made from OpenAPI, so that a new operation is probed as soon as it is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from support.api_probe import (
    Findings,
    Operation,
    Slot,
    ask,
    fitting,
    operations,
    probe_ids,
    traces_in,
)
from support.dispatch_client import DispatchApi
from support.tenants import Tenant, a_tenant, leg

from atmr_common.database.tenancy import OWNER
from atmr_common.web.identity import Role
from atmr_common.web.pagination import encode_cursor
from dispatch_api.openapi_command import document
from dispatch_api.patients import repository as patients
from dispatch_api.patients.tables import PatientRow
from dispatch_api.settings import DispatchSettings
from dispatch_api.vehicles import repository as vehicles
from dispatch_api.vehicles.tables import VehicleRow

OPERATIONS = list(operations(document()))
ROLES = (Role.ADMIN, Role.DISPATCHER, Role.SERVICE, Role.CLINIC, Role.DRIVER)
HIDDEN = {
    Role.CLINIC: ("patient_id", "home_id", "booking_id"),
    Role.DRIVER: ("clinic_patient_id", "clinic_home_id", "clinic_booking_id"),
}
"""Of the own company, what these roles may not know: a clinic sees its own, a driver own stops."""


@pytest.fixture
async def own(dispatch_api: DispatchApi, dispatch_settings: DispatchSettings) -> Tenant:
    return await a_tenant(dispatch_api, dispatch_settings)


@pytest.fixture
async def other(dispatch_api: DispatchApi, dispatch_settings: DispatchSettings) -> Tenant:
    return await a_tenant(dispatch_api, dispatch_settings)


async def probed(
    own: Tenant,
    other: Tenant,
    role: Role,
    only: str = "",
    methods: str = "GET POST PUT PATCH DELETE",
) -> Findings:
    """Every id of the other company, at every operation whose path begins with `only`."""
    total = Findings()
    async with own.client(role) as client:
        client._transport = httpx.ASGITransport(own.api.app, raise_app_exceptions=False)
        for operation in OPERATIONS:
            if operation.path.startswith(only) and operation.method in methods:
                found = await probe_ids(client, own, role, operation, other.ids, other.traces())
                total.probes += found.probes
                total.leaks += found.leaks
    return total


async def test_another_companys_ids_are_nobodys(
    own: Tenant, other: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [await probed(own, other, role) for role in ROLES]
    with capsys.disabled():
        print(f"\n{sum(each.probes for each in found)} ids of another company probed")  # noqa: T201 (a count to see)
    assert [leak for each in found for leak in each.leaks] == []
    assert min(each.probes for each in found) >= 80, "the probe lost its operations"


@pytest.mark.parametrize("role", HIDDEN)
async def test_what_is_hidden_from_a_role_is_nobodys(own: Tenant, role: Role) -> None:
    hidden = {name: own.ids[name] for name in HIDDEN[role]}
    probes, leaks = 0, []
    async with own.client(role) as client:
        for operation in OPERATIONS:
            found = await probe_ids(client, own, role, operation, hidden, set(hidden.values()))
            probes, leaks = probes + found.probes, leaks + found.leaks
    assert leaks == []
    assert probes >= 30


@pytest.mark.parametrize("role", [Role.DISPATCHER, *HIDDEN])
async def test_refusing_costs_the_same_statements(own: Tenant, other: Tenant, role: Role) -> None:
    """Else the time of an answer would tell that an id exists."""
    asked = 0

    def count(*_: Any) -> None:
        nonlocal asked
        asked += 1

    async def cost(wrong: tuple[Slot, str]) -> int:
        before = asked
        await ask(client, own, role, operation, wrong)
        return asked - before

    forbidden = {name: own.ids[name] for name in HIDDEN.get(role, ())} or other.ids
    sa.event.listen(own.api.ports.database.engine.sync_engine, "before_cursor_execute", count)
    differing = {}
    async with own.client(role) as client:
        for operation in OPERATIONS:
            for slot in operation.slots:
                name = next((each for each in fitting(slot) if each in forbidden), None)
                if name is None:
                    continue
                both = [await cost((slot, each)) for each in (forbidden[name], str(uuid4()))]
                if both[0] != both[1]:
                    differing[operation.name, slot.name] = both
    assert asked > 20
    assert differing == {}


async def test_a_role_reaches_what_is_its_own(own: Tenant) -> None:
    """Else the probes would prove nothing."""
    reached = {role: set() for role in ROLES}  # type: dict[Role, set[str]]
    for role in ROLES:
        async with own.client(role) as client:
            for operation in _reads():
                answer = await ask(client, own, role, operation)
                if answer.status_code == 200:
                    reached[role].add(operation.name)
    everything = {operation.name for operation in _reads()} - {"search_addresses"}
    assert reached[Role.ADMIN] >= everything
    assert reached[Role.CLINIC] == {
        "list_patients",
        "read_patient",
        "list_places",
        "read_place",
        "list_bookings",
        "read_booking",
        "list_booking_transitions",
    }
    assert reached[Role.DRIVER] == {"read_patient", "read_place"}


async def test_nothing_of_others_stands_in_what_a_role_reads(own: Tenant, other: Tenant) -> None:
    """Lists, filters, and lists that begin at an id of the other company."""
    leaks = []
    for role in ROLES:
        hidden = {own.ids[name] for name in HIDDEN.get(role, ())}
        async with own.client(role) as client:
            for operation in _reads():
                starts = [None]
                if operation.cursor:
                    starts += [encode_cursor(str(UUID(int=0))), encode_cursor(min(other.traces()))]
                for cursor in starts:
                    with_cursor = {} if cursor is None else {"cursor": cursor}
                    client.params = httpx.QueryParams(with_cursor)
                    answer = await ask(client, own, role, operation)
                    shown = traces_in(answer, other.traces() | hidden)
                    if shown:
                        leaks.append((role, operation.name, shown))
    assert leaks == []


async def test_a_search_finds_own_patients_only(own: Tenant, other: Tenant) -> None:
    for role in (Role.DISPATCHER, Role.CLINIC):
        async with own.client(role) as client:
            answer = await client.post("/v1/patients/search", json={"text": "mercier"})
        assert answer.json()["items"]
        hidden = {own.ids[name] for name in HIDDEN.get(role, ())}
        assert traces_in(answer, other.traces() | hidden) == set()


async def test_a_key_of_the_other_company_replays_nothing(own: Tenant, other: Tenant) -> None:
    """The same person, as issuers may name them, with the same key and the same body."""
    key = {"Idempotency-Key": f"{other.mark}-key"}
    body = leg(other, reference=f"{other.mark}-1")
    subject = f"{other.mark}-tester"
    async with other.client(subject=subject) as theirs, own.client(subject=subject) as client:
        again = await theirs.post("/v1/bookings", json=body, headers=key)
        stolen = await client.post("/v1/bookings", json=body, headers=key)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert stolen.status_code == 404
    assert "idempotency-replayed" not in stolen.headers


async def test_an_import_links_nothing_of_the_other_company(own: Tenant, other: Tenant) -> None:
    """References and addresses are a company's own: alike ones elsewhere are others."""
    head = "booking_id,patient_ref,direction,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon"
    row = f"{other.mark}-1,{other.mark},ALLER,46.2,6.1,46.21,6.15"
    text = f"{head},appointment_at,mobility\n{row},2026-03-17T10:00,ambulatory\n"
    async with own.client() as client:
        answer = await client.post(
            "/v1/imports/bookings", content=text, headers={"Content-Type": "text/csv"}
        )
        booked = await client.get("/v1/bookings", params={"day": "2026-03-17"})
    assert answer.status_code == 200, answer.text
    new = [each for each in booked.json()["items"] if each["reference"] == f"{other.mark}-1"]
    assert len(new) == 1
    assert traces_in(booked, set(other.ids.values())) == set()


async def test_a_patients_token_opens_nothing(own: Tenant) -> None:
    async with own.client(Role.PATIENT) as client:
        answers = {
            operation.name: (await ask(client, own, Role.PATIENT, operation)).status_code
            for operation in OPERATIONS
            if operation.body is not None or operation.method in {"GET", "DELETE"}
        }
    assert set(answers.values()) == {403}, answers


FORGOTTEN = {
    "vehicle": ("/v1/vehicles", vehicles, lambda *_: _all(VehicleRow)),
    "patient": ("/v1/patients", patients, lambda *_: _all(PatientRow)),
}
"""A query that forgot the company, at the operations of one table."""


@pytest.mark.parametrize("table", FORGOTTEN)
async def test_row_security_saves_a_query_that_forgot_the_company_and_nothing_else_does(
    own: Tenant, other: Tenant, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    """The control: with the policy gone too, the probe has to find it."""
    path, module, forgot = FORGOTTEN[table]
    monkeypatch.setattr(module, "_of_company", forgot)
    saved = await probed(own, other, Role.SERVICE, path)
    assert saved.leaks == []
    async with own.api.ports.database.transaction(OWNER) as session:
        await session.execute(sa.text(f"ALTER TABLE dispatch.{table} DISABLE ROW LEVEL SECURITY"))
    open_now = await probed(own, other, Role.SERVICE, path, "GET")
    assert len(open_now.leaks) >= 2, "the probe does not see an open table"


def _all(row: Any) -> sa.Select[Any]:
    return sa.select(row).execution_options(populate_existing=True)


def _reads() -> Iterator[Operation]:
    return (operation for operation in OPERATIONS if operation.method == "GET")
