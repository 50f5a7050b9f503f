"""Erases a patient: the data key goes, and with it everything that was sealed under it.

What people wrote into the history of the patient's bookings, or as the reason of a waiver for one,
was never sealed; it is taken away.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from atmr_common.database.session import Session
from atmr_common.web.access import Caller
from atmr_common.web.problems import NotFoundError
from dispatch_api.bookings.domain import BookingState
from dispatch_api.bookings.repository import BookingFilter, BookingRepository
from dispatch_api.patients.errors import PatientBookedError
from dispatch_api.patients.repository import PatientRepository
from dispatch_api.places.repository import PlaceRepository
from dispatch_api.ports import Ports, PortsDep
from dispatch_api.waivers.repository import WaiverRepository

ENDED = frozenset({BookingState.COMPLETED, BookingState.CANCELLED, BookingState.NO_SHOW})
OPEN_NAMED = 500


class ErasePatient:
    """One erasure; bookings keep the pseudonymous id and their states, the log of reads stays."""

    def __init__(self, session: Session, ports: Ports) -> None:
        self._session = session
        self._answers = ports.answers
        self._patients = PatientRepository(session, ports.vault)
        self._places = PlaceRepository(session, ports.vault)
        self._bookings = BookingRepository(session)
        self._waivers = WaiverRepository(session)

    async def __call__(self, caller: Caller, patient_id: UUID) -> None:
        """Raises PatientBookedError while a transport is still to come."""
        company_id = caller.company_id
        patient = await self._patients.find(company_id, patient_id, lock=True)
        if patient is None:
            raise NotFoundError(f"There is no patient {patient_id}.")
        open_bookings = await self._open_bookings(company_id, patient_id)
        if open_bookings:
            raise PatientBookedError(
                f"{len(open_bookings)} bookings of the patient are open; cancel or complete them.",
                bookings=open_bookings,
            )
        await self._patients.erase(company_id, patient_id)
        await self._places.empty_homes(company_id, patient_id)
        await self._bookings.forget_words(company_id, patient_id)
        await self._waivers.forget_words(company_id, patient_id)
        await self._answers.forget(self._session, company_id, patient_id)

    async def _open_bookings(self, company_id: UUID, patient_id: UUID) -> list[str]:
        states = [state for state in BookingState if state not in ENDED]
        found = [
            await self._bookings.list(
                company_id,
                BookingFilter(patient_id=patient_id, state=state),
                after=None,
                limit=OPEN_NAMED,
            )
            for state in states
        ]
        return [str(booking.id) for group in found for booking in group]


def erase_patient(session: Session, ports: PortsDep) -> ErasePatient:
    return ErasePatient(session, ports)


Erase = Annotated[ErasePatient, Depends(erase_patient)]
