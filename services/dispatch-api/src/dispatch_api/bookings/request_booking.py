"""Use case: ask for a transport, one leg or there and back."""

from __future__ import annotations

from uuid import UUID

from atmr_common.contracts.bookings import BookingRequested
from atmr_common.web.access import Caller
from atmr_common.web.problems import ConflictError, FieldProblem, InvalidError, NotFoundError
from dispatch_api.bookings.desk import BookingDesk
from dispatch_api.bookings.domain import BookingState, Direction, StoredBooking
from dispatch_api.bookings.errors import AlreadyLinkedError, ReferenceTakenError
from dispatch_api.bookings.intake import Intake, Places
from dispatch_api.bookings.schemas import Booking, NewBooking
from dispatch_api.bookings.timing import first_moment
from dispatch_api.uniqueness import unique

REFERENCE_TAKEN = "Another booking was given this reference at the same moment."


async def request_booking(desk: BookingDesk, caller: Caller, new: NewBooking) -> Booking:
    """Book one leg; it is confirmed at once when it is complete and its places are known."""
    intake = await desk.intake(caller)
    new = await linked(desk, caller, new)
    intake.check_times(new)
    places = await desk.places(caller, new.pickup_place_id, new.dropoff_place_id)
    await refuse_taken(desk, caller.company_id, [new.reference])
    patient = await desk.patient(caller, new.patient_id)
    booking = intake.booking(new, patient, places)
    await store(desk, caller, intake, [booking], places)
    await desk.count_new(caller, 1)
    return await desk.show(caller, booking)


async def store(
    desk: BookingDesk,
    caller: Caller,
    intake: Intake,
    bookings: list[StoredBooking],
    places: Places,
) -> None:
    """Insert new bookings with the beginning of their history and their events."""
    async with unique(desk.session, REFERENCE_TAKEN):
        await desk.bookings.add_all(caller.company_id, bookings)
    history = [entry for booking in bookings for entry in intake.beginning(booking, places)]
    await desk.bookings.record(caller.company_id, history)
    events = [(requested(booking), str(booking.id), booking.version) for booking in bookings]
    await desk.ports.outbox.record_all(desk.session, events, company_id=caller.company_id)


async def linked(desk: BookingDesk, caller: Caller, new: NewBooking) -> NewBooking:
    """`new` with its ALLER checked and held, and on the ALLER's day where it names none."""
    if new.linked_booking_id is None:
        return new
    await desk.find(caller, new.linked_booking_id)
    aller = await desk.bookings.find(caller.company_id, new.linked_booking_id, lock=True)
    if aller is None or aller.patient_id != new.patient_id:
        raise NotFoundError(f"There is no booking {new.linked_booking_id} of this patient.")
    _check_aller(aller, new)
    if await desk.related.has_return(caller.company_id, aller.id):
        raise AlreadyLinkedError(f"The ALLER {aller.id} has its RETOUR already.")
    if first_moment(new) is None and new.day is None:
        return new.model_copy(update={"day": aller.day})
    return new


def _check_aller(aller: StoredBooking, new: NewBooking) -> None:
    if aller.direction is not Direction.ALLER:
        raise _wrong("linked_booking_id", "names a RETOUR; name the ALLER of this patient")
    if aller.state in {BookingState.CANCELLED, BookingState.NO_SHOW}:
        raise ConflictError(f"The ALLER is {aller.state}; there is nothing to return from.")
    begins, returns = aller.first_moment, first_moment(new)
    if begins and returns and returns < begins:
        raise _wrong("pickup_from", "the RETOUR is before its ALLER")


def _wrong(field: str, detail: str) -> InvalidError:
    problem = FieldProblem(pointer=f"#/body/{field}", detail=detail)
    return InvalidError("The link cannot be right.", errors=[problem])


async def refuse_taken(desk: BookingDesk, company_id: UUID, references: list[str | None]) -> None:
    """Raises ReferenceTakenError when a booking of the company has one of these references."""
    wanted = [reference for reference in references if reference is not None]
    if len(set(wanted)) < len(wanted):
        raise ReferenceTakenError(f"Both legs have the reference {wanted[0]!r}.")
    taken = await desk.related.taken_references(company_id, wanted) if wanted else set()
    if taken:
        raise ReferenceTakenError(f"A booking has the reference {min(taken)!r} already.")


def requested(booking: StoredBooking) -> BookingRequested:
    return BookingRequested(
        booking_id=booking.id,
        patient_id=booking.patient_id,
        direction=booking.direction,
        linked_booking_id=booking.linked_booking_id,
        pickup_from=booking.pickup_from,
        pickup_to=booking.pickup_to,
        appointment_at=booking.appointment_at,
        mobility=booking.mobility,
        state=booking.state,
    )
