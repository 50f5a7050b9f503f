"""What can go wrong with shifts, as problems."""

from __future__ import annotations

from atmr_common.web.problems import ConflictError


class ShiftOverlapError(ConflictError):
    code = "shift_overlap"
    title = "The driver has another shift at that time"
