"""Duties as planning reads them: capacity, skills of the day, and the breaks of the driver."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from support.dispatch_client import DispatchApi

from atmr_common.database.tenancy import OWNER
from atmr_common.runtime.identifiers import new_id
from dispatch_api.drivers.domain import Break, Credential, DriverKind, Shift, StoredDriver
from dispatch_api.drivers.repository import DriverRepository, ShiftRepository
from dispatch_api.duties.domain import Span, StoredDuty, share_breaks
from dispatch_api.duties.repository import DutyRepository
from dispatch_api.vehicles.tables import VehicleRow

DAY = date(2026, 3, 16)
MIDNIGHT = datetime(2026, 3, 16, tzinfo=UTC)


def at(hour: float) -> datetime:
    return MIDNIGHT + timedelta(hours=hour)


def a_break(minutes: float, earliest: float, latest: float) -> Break:
    return Break(minutes=minutes, earliest=at(earliest), latest=at(latest))


def a_driver(name: str, kind: DriverKind, *credentials: Credential) -> StoredDriver:
    return StoredDriver(
        id=new_id(),
        name=name,
        kind=kind,
        subject=None,
        credentials=credentials,
        start_place_id=None,
        created_at=MIDNIGHT,
    )


def a_duty(name: str, vehicle_id: UUID, *crew: UUID) -> StoredDuty:
    return StoredDuty(
        id=new_id(),
        name=name,
        day=DAY,
        vehicle_id=vehicle_id,
        crew=crew,
        starts_at=at(7),
        ends_at=at(16),
        start_place_id=None,
        end_place_id=None,
        created_at=MIDNIGHT,
    )


async def test_a_duty_of_the_day_has_everything_that_planning_needs(
    dispatch_api: DispatchApi, company_id: UUID
) -> None:
    first = a_driver(
        "Ana",
        DriverKind.EMERGENCY,
        Credential(skill="oxygen", expires_on=DAY),
        Credential(skill="bariatric", expires_on=DAY - timedelta(days=1)),
    )
    second = a_driver("Ben", DriverKind.REGULAR, Credential(skill="stairs"))
    async with dispatch_api.ports.database.transaction(OWNER) as session:
        vehicle = VehicleRow(
            id=new_id(),
            company_id=company_id,
            name="V1",
            seats=3,
            wheelchairs=1,
            fold_seats_per_wheelchair=2,
            equipment=["ramp"],
            created_at=MIDNIGHT,
        )
        session.add(vehicle)
        await session.flush()
        for driver in (first, second):
            await DriverRepository(session).add(company_id, driver)
        shift = Shift(
            id=new_id(),
            driver_id=first.id,
            starts_at=at(7),
            ends_at=at(16),
            breaks=(a_break(30, 11, 13),),
        )
        await ShiftRepository(session).add(company_id, shift)
        duties = DutyRepository(session)
        duty = a_duty("D1", vehicle.id, first.id, second.id)
        await duties.add(company_id, duty)
        (found,) = await duties.of_day(company_id, DAY)
        assert await duties.of_day(company_id, DAY + timedelta(days=1)) == []
        assert await duties.lock_versions(company_id, [duty.id]) == {duty.id: 1}
        assert await duties.find(company_id, duty.id) == duty
    assert (found.id, found.name, found.vehicle, found.driver) == (duty.id, "D1", "V1", "Ana")
    assert (found.seats, found.wheelchairs, found.fold_seats_per_wheelchair) == (3, 1, 2)
    assert sorted(found.equipment | found.skills) == ["oxygen", "ramp", "stairs"]
    assert (found.crew, found.driver_kind) == (2, DriverKind.EMERGENCY)
    assert found.breaks == (a_break(30, 11, 13),)


def test_a_break_is_clipped_to_its_duty() -> None:
    duty = new_id()
    spans = {duty: Span(begin=at(7), end=at(12.25))}
    shared = share_breaks([a_break(60, 11, 13)], spans)
    assert shared.in_duty == {duty: [a_break(60, 11, 12.25)]}


def test_a_break_that_fits_between_duties_is_no_matter_of_a_route() -> None:
    spans = {
        new_id(): Span(begin=at(7), end=at(11.5)),
        new_id(): Span(begin=at(12), end=at(16)),
    }
    shared = share_breaks([a_break(30, 11, 13)], spans)
    assert (shared.in_duty, shared.impossible) == ({}, [])


def test_a_break_over_a_change_of_duty_is_taken_once_where_it_has_more_room() -> None:
    early, late = new_id(), new_id()
    spans = {early: Span(begin=at(7), end=at(11.75)), late: Span(begin=at(11.75), end=at(16))}
    shared = share_breaks([a_break(30, 11, 13)], spans)
    assert shared.in_duty == {late: [a_break(30, 11.75, 13)]}


def test_a_break_that_fits_into_no_duty_is_told() -> None:
    spans = {
        new_id(): Span(begin=at(7), end=at(12)),
        new_id(): Span(begin=at(12), end=at(16)),
    }
    straddling = a_break(30, 11.75, 12.25)
    assert share_breaks([straddling], spans).impossible == [straddling]


def test_times_that_only_touch_do_not_overlap() -> None:
    morning, noon = Span(begin=at(7), end=at(12)), Span(begin=at(12), end=at(16))
    inside = Span(begin=at(8), end=at(9))
    assert not morning.overlaps(noon)
    assert not noon.overlaps(morning)
    assert morning.overlaps(inside)
    assert inside.overlaps(morning)


hours = st.integers(0, 96).map(lambda quarter: quarter / 4)


@given(
    breaks=st.lists(st.tuples(st.integers(5, 60), hours, hours), max_size=4),
    edges=st.lists(hours, unique=True, max_size=6),
)
def test_every_break_is_free_or_in_one_duty_or_told(
    breaks: list[tuple[int, float, float]], edges: list[float]
) -> None:
    pauses = [a_break(m, min(a, b), max(a, b)) for m, a, b in breaks]
    pauses = [p for p in pauses if p.latest - p.earliest >= p.length]
    cuts = sorted(edges)
    spans = {
        new_id(): Span(begin=at(a), end=at(b)) for a, b in zip(cuts[::2], cuts[1::2], strict=False)
    }
    shared = share_breaks(pauses, spans)
    placed = [pause for taken in shared.in_duty.values() for pause in taken]
    assert len(placed) + len(shared.impossible) <= len(pauses)
    for key, taken in shared.in_duty.items():
        for pause in taken:
            assert spans[key].begin <= pause.earliest
            assert pause.earliest + pause.length <= pause.latest <= spans[key].end
    for pause in shared.impossible:
        assert all(pause.within(span.begin, span.end) is None for span in spans.values())
