"""What can go wrong with dispatch runs, as problems."""

from __future__ import annotations

from atmr_common.web.problems import ConflictError


class RunEndedError(ConflictError):
    code = "run_ended"
    title = "The run has ended"
