"""What can go wrong with patients, as problems."""

from __future__ import annotations

from atmr_common.web.problems import ConflictError


class PatientErasedError(ConflictError):
    code = "patient_erased"
    title = "The patient was erased"


class PatientBookedError(ConflictError):
    code = "patient_booked"
    title = "The patient has open bookings"
