"""The booking desk: how every use case finds, holds, changes and shows a booking.

Who may see a booking is decided here: a clinic what it booked itself, a driver what is assigned
to a duty whose crew they are. Locks are taken in one order: the day's plan, then bookings by id.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends

from atmr_common.contracts.bookings import BookingChanged
from atmr_common.contracts.envelope import Event
from atmr_common.database.session import Session
from atmr_common.web.access import Caller
from atmr_common.web.entity_versions import require_version
from atmr_common.web.identity import Role
from atmr_common.web.problems import ConflictError, NotFoundError
from dispatch_api.bookings.domain import (
    BookingState,
    IllegalTransitionError,
    StoredBooking,
    Transition,
    check_transition,
)
from dispatch_api.bookings.errors import TransitionRefusedError
from dispatch_api.bookings.intake import Intake, Places, opened_notes
from dispatch_api.bookings.related_repository import RelatedRepository, TransportedPatient
from dispatch_api.bookings.repository import BookingRepository
from dispatch_api.bookings.schemas import Booking
from dispatch_api.companies.repository import CompanyRepository
from dispatch_api.companies.schemas import Company
from dispatch_api.patients.service import PatientService
from dispatch_api.patients.sight import out_of_sight
from dispatch_api.places.repository import PlaceRepository
from dispatch_api.places.sight import hidden_places
from dispatch_api.plans.repository import PlanRepository
from dispatch_api.plans.service import PlanService
from dispatch_api.ports import Ports, PortsDep

NOTES = ("booking_notes",)
"""What the log of reads says of a booking's notes."""


class BookingDesk:
    """What use cases of bookings share within one session."""

    def __init__(self, session: Session, ports: Ports) -> None:
        self.ports = ports
        self.session = session
        self.bookings = BookingRepository(session)
        self.related = RelatedRepository(session)
        self._companies = CompanyRepository(session)
        self._places = PlaceRepository(session, ports.vault)
        self._plans = PlanRepository(session)

    async def company(self, company_id: UUID) -> Company:
        company = await self._companies.find(company_id)
        if company is None:
            raise NotFoundError("The company of this token does not exist.")
        return company

    async def intake(self, caller: Caller) -> Intake:
        """For bookings that this caller asks for, now."""
        company = await self.company(caller.company_id)
        return Intake(
            vault=self.ports.vault,
            zone=ZoneInfo(company.zone),
            now=self.ports.clock.now(),
            booked_by=caller.subject,
        )

    async def count_new(self, caller: Caller, count: int) -> None:
        """Count new bookings as used; QuotaExceededError when the day has no room for them."""
        await self.ports.quotas.spend_bookings(self.session, caller.company_id, count)

    async def places(
        self, caller: Caller, *place_ids: UUID, agreed: Collection[UUID] = ()
    ) -> Places:
        """Where these places are; the caller must know of all but those of the booking's own.

        `agreed`: the places that the booking has, whoever chose them.
        """
        found = await self._places.located(caller.company_id, set(place_ids))
        named = set(place_ids) - set(agreed)
        hidden = await hidden_places(self.session, caller, named)
        for place_id in place_ids:
            if place_id not in found or place_id in hidden:
                raise NotFoundError(f"There is no place {place_id}.")
        return found

    async def patient(self, caller: Caller, patient_id: UUID) -> TransportedPatient:
        """The patient, held so that an erasure waits."""
        found = await self.related.patients(caller.company_id, [patient_id], hold=True)
        hidden = await out_of_sight(self.session, caller, patient_id)
        if hidden or patient_id not in found:
            raise NotFoundError(f"There is no patient {patient_id}.")
        return found[patient_id]

    async def find(self, caller: Caller, booking_id: UUID) -> StoredBooking:
        """The booking, if the caller may know of it."""
        booking = await self.bookings.find(caller.company_id, booking_id)
        visible = await self._visible(caller, booking_id, booking)
        if booking is None or not visible:
            raise NotFoundError(f"There is no booking {booking_id}.")
        return booking

    async def hold(
        self, caller: Caller, booking_id: UUID, version: int | None, *, plan: bool = True
    ) -> StoredBooking:
        """The booking, locked until the transaction ends, and its day's plan with it.

        Raises:
            VersionChangedError: when it is not at `version` (None: whatever it is).

        """
        seen = await self.find(caller, booking_id)
        if plan:
            await self._plans.lock(caller.company_id, seen.day)
        booking = await self.bookings.find(caller.company_id, booking_id, lock=True)
        if booking is None or booking.day != seen.day:
            raise ConflictError("The booking was moved at the same moment; try again.")
        require_version(booking.version, version, "booking")
        return booking

    async def change(
        self,
        caller: Caller,
        booking: StoredBooking,
        changes: dict[str, Any],
        *,
        reason: str | None = None,
        late: bool = False,
        event: Event | None = None,
    ) -> StoredBooking:
        """Apply `changes` to a held booking, with history and event; a new state is checked.

        Without an `event` it is a BookingChanged that names the fields.
        """
        to_state: BookingState = changes.get("state", booking.state)
        if to_state is not booking.state:
            allow(booking, to_state)
        changed = await self.bookings.update(caller.company_id, booking, changes)
        entry = Transition(
            booking_id=booking.id,
            from_state=booking.state,
            to_state=to_state,
            at=self.ports.clock.now(),
            by=caller.subject,
            reason=reason,
            late=late,
        )
        await self.bookings.record(caller.company_id, [entry])
        names = tuple(sorted(name.removeprefix("sealed_") for name in changes))
        event = event or BookingChanged(booking_id=booking.id, changed=names, state=to_state)
        await self.tell(caller, changed, event)
        return changed

    async def tell(self, caller: Caller, booking: StoredBooking, event: Event) -> None:
        await self.ports.outbox.record(
            self.session,
            event,
            key=str(booking.id),
            company_id=caller.company_id,
            version=booking.version,
        )

    async def take_out_of_plan(self, caller: Caller, booking: StoredBooking, reason: str) -> None:
        """Remove the booking from its day's plan, with an event where it was in it."""
        plans = PlanService(self.session, self.ports)
        await plans.take_out(caller.company_id, booking.day, [booking.id], reason)

    async def show(self, caller: Caller, booking: StoredBooking) -> Booking:
        return (await self.show_all(caller, [booking]))[0]

    async def show_all(self, caller: Caller, bookings: Sequence[StoredBooking]) -> list[Booking]:
        """What clients see, with notes opened; that they were is put on record."""
        company_id = caller.company_id
        patients = await self.related.patients(company_id, {item.patient_id for item in bookings})
        reasons = await self.related.reasons(company_id, [item.id for item in bookings])
        shown = [
            Booking(
                **{name: value for name, value in asdict(item).items() if name != "sealed_notes"},
                notes=opened_notes(self.ports.vault, patients.get(item.patient_id), item),
                reason=reasons.get(item.id),
            )
            for item in bookings
        ]
        opened = {item.patient_id for item in shown if item.notes is not None}
        log = PatientService(self.session, self.ports)
        await log.record_access(caller, [(patient_id, NOTES) for patient_id in sorted(opened)])
        return shown

    async def _visible(
        self, caller: Caller, booking_id: UUID, booking: StoredBooking | None
    ) -> bool:
        """Whether the caller may know of it; asks as much whether it exists or not."""
        if caller.role is Role.CLINIC:
            return booking is not None and booking.booked_by == caller.subject
        if caller.role is Role.DRIVER:
            duty = await self.related.assigned_duty(caller.company_id, booking_id)
            return duty is not None and caller.subject in duty.crew
        return True


def allow(booking: StoredBooking, to_state: BookingState) -> None:
    """Raises TransitionRefusedError unless the booking may go to this state."""
    try:
        check_transition(booking.state, to_state)
    except IllegalTransitionError as error:
        raise TransitionRefusedError.of(error) from error


def booking_desk(session: Session, ports: PortsDep) -> BookingDesk:
    return BookingDesk(session, ports)


Desk = Annotated[BookingDesk, Depends(booking_desk)]
