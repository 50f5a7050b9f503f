"""Use case: ask for there and back in one call, linked, both or none."""

from __future__ import annotations

from dataclasses import replace

from atmr_common.web.access import Caller
from atmr_common.web.problems import FieldProblem, InvalidError
from dispatch_api.bookings.desk import BookingDesk
from dispatch_api.bookings.request_booking import refuse_taken, store
from dispatch_api.bookings.schemas import NewBooking, NewRoundTrip, RoundTrip
from dispatch_api.bookings.timing import first_moment, local_day


async def request_round_trip(desk: BookingDesk, caller: Caller, new: NewRoundTrip) -> RoundTrip:
    """Book an ALLER and its RETOUR; the RETOUR on call is on the ALLER's day."""
    intake = await desk.intake(caller)
    there, back = new.legs()
    intake.check_times(there, "#/body/outbound")
    if first_moment(back) is None and back.day is None:
        back = back.model_copy(update={"day": local_day(there, intake.zone)})
    intake.check_times(back, "#/body/inbound")
    _refuse_wrong_order(there, back)
    ends = (there.pickup_place_id, there.dropoff_place_id, back.dropoff_place_id)
    places = await desk.places(caller, *ends)
    await refuse_taken(desk, caller.company_id, [there.reference, back.reference])
    patient = await desk.patient(caller, new.patient_id)
    aller = intake.booking(there, patient, places)
    retour = replace(intake.booking(back, patient, places), linked_booking_id=aller.id)
    await store(desk, caller, intake, [aller, retour], places)
    await desk.count_new(caller, 2)
    outbound, inbound = await desk.show_all(caller, [aller, retour])
    return RoundTrip(outbound=outbound, inbound=inbound)


def _refuse_wrong_order(there: NewBooking, back: NewBooking) -> None:
    begins, returns = first_moment(there), first_moment(back)
    if begins and returns and returns < begins:
        problem = FieldProblem(
            pointer="#/body/inbound/pickup_from", detail="the RETOUR is before its ALLER"
        )
        raise InvalidError("The round trip cannot be right.", errors=[problem])
