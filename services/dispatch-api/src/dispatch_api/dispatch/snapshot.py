"""Everything that planning a day needs, read in one transaction, with the versions read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from atmr_engine.formats.day import Day, DayRules
from atmr_engine.problem import Committed, Problem, Travel
from atmr_engine.rules import Rule, Waiver
from dispatch_api.bookings.domain import PlannableBooking
from dispatch_api.bookings.repository import BookingRepository
from dispatch_api.companies.repository import CompanyRepository
from dispatch_api.companies.schemas import CompanySettings
from dispatch_api.dispatch.beginnings import beginnings
from dispatch_api.dispatch.records import booking_record, duty_record
from dispatch_api.dispatch.standing import PresentDay, Standing, standing_routes
from dispatch_api.duties.repository import DutyRepository
from dispatch_api.places.repository import PlaceRepository
from dispatch_api.plans.domain import Basis, Stop
from dispatch_api.plans.repository import PlanRepository, stop_of
from dispatch_api.ports import Ports
from dispatch_api.waivers.repository import WaiverRepository
from dispatch_api.waivers.schemas import Waiver as GrantedWaiver

SECONDS_PER_MINUTE = 60.0


@dataclass(frozen=True, kw_only=True)
class DaySnapshot:
    """A company's day as it stood; `places` are the place ids of both ends of each booking."""

    company_id: UUID
    day: Day
    rules: DayRules
    settings: CompanySettings
    basis: Basis
    waivers: tuple[Waiver, ...]
    beginnings: Mapping[str, tuple[Committed, ...]]
    places: Mapping[UUID, tuple[UUID, UUID]]
    ends: Mapping[UUID, tuple[UUID | None, UUID | None]]
    standing: Standing

    def problem(self, travel: Travel) -> Problem:
        """The day as a Problem, with what is done or under way fixed.

        Waivers for what is not planned (cancelled, on hold, without a time) have no effect.
        """
        problem = self.day.problem(travel, self.rules)
        duties = tuple(
            replace(duty, committed=self.beginnings.get(duty.id, ())) for duty in problem.duties
        )
        planned = problem.request_index.keys() | problem.duty_index.keys()
        waivers = tuple(waiver for waiver in self.waivers if waiver.subject in planned)
        return replace(problem, duties=duties, waivers=waivers)


async def read_snapshot(
    session: AsyncSession,
    ports: Ports,
    company_id: UUID,
    day: date,
    *,
    refused: Collection[UUID] = (),
) -> DaySnapshot:
    """Read the day; the caller's transaction must be REPEATABLE READ.

    `refused` are duties whose fixed beginning the engine did not accept: their routes stand.
    """
    company = await CompanyRepository(session).find(company_id)
    if company is None:
        raise LookupError(f"company {company_id} does not exist")
    plans = PlanRepository(session)
    duties = await DutyRepository(session).of_day(company_id, day)
    bookings = await BookingRepository(session).plannable(company_id, day)
    stops = [stop_of(row) for row in await plans.stops(company_id, day)]
    wanted = {place for b in bookings for place in (b.pickup_place_id, b.dropoff_place_id)}
    wanted |= {place for d in duties for place in (d.start_place_id, d.end_place_id) if place}
    located = await PlaceRepository(session, ports.vault).located(company_id, wanted)
    everything = Day(
        date=day,
        zone=ZoneInfo(company.zone),
        bookings=tuple(booking_record(booking, located) for booking in bookings),
        duties=tuple(duty_record(duty, located) for duty in duties),
    )
    standing = standing_routes(
        PresentDay(bookings=bookings, duties={duty.id for duty in duties}, stops=stops),
        held={UUID(each.booking.id) for each in everything.held()},
        refused=refused,
    )
    planned = _without(everything, standing)
    waivers = await WaiverRepository(session).of_day(company_id, day)
    return DaySnapshot(
        company_id=company_id,
        day=planned,
        rules=_rules(company.settings),
        settings=company.settings,
        basis=Basis(
            plan_version=await plans.version(company_id, day),
            bookings={booking.id: booking.version for booking in bookings},
            duties={duty.id: duty.version for duty in duties},
        ),
        waivers=tuple(_waiver(waiver) for waiver in waivers),
        beginnings=_beginnings(planned, bookings, stops),
        places={b.id: (b.pickup_place_id, b.dropoff_place_id) for b in bookings},
        ends={duty.id: (duty.start_place_id, duty.end_place_id) for duty in duties},
        standing=standing,
    )


def _without(day: Day, standing: Standing) -> Day:
    """The day without what stands or waits."""
    out = {str(each) for each in standing.bookings | standing.waiting.keys()}
    left_alone = {str(each) for each in standing.reasons}
    return replace(
        day,
        bookings=tuple(booking for booking in day.bookings if booking.id not in out),
        duties=tuple(duty for duty in day.duties if duty.id not in left_alone),
    )


def _beginnings(
    day: Day, bookings: Sequence[PlannableBooking], stops: Sequence[Stop]
) -> dict[str, tuple[Committed, ...]]:
    held = {each.booking.id for each in day.held()}
    planned = {record.id for record in day.bookings} - held
    states = {booking.id: booking.state for booking in bookings if str(booking.id) in planned}
    return beginnings(day, stops, states)


def _rules(settings: CompanySettings) -> DayRules:
    return DayRules(
        pickup_window_min=float(settings.pickup_window_min),
        early_arrival_min=float(settings.early_arrival_min),
    )


def _waiver(granted: GrantedWaiver) -> Waiver:
    return Waiver(
        rule=Rule(granted.rule),
        subject=str(granted.booking_id or granted.duty_id),
        excess_s=granted.excess_min * SECONDS_PER_MINUTE,
        reason=granted.reason,
        granted_by=granted.granted_by,
    )
