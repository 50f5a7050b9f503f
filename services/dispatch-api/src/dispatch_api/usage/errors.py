"""What can go wrong with quotas, as problems with a reason code."""

from __future__ import annotations

import math
from datetime import datetime

from atmr_common.web.problems import ProblemError
from dispatch_api.usage.domain import UsageKind

NAMES = {UsageKind.BOOKINGS: "bookings", UsageKind.SOLVER_SECONDS: "seconds of search time"}


class QuotaExceededError(ProblemError):
    """A day's quota does not suffice; nothing was done."""

    status = 429
    code = "quota_exceeded"
    title = "The quota of the day is used up"

    def __init__(
        self, kind: UsageKind, *, limit: float, used: float, resets_at: datetime, now: datetime
    ) -> None:
        super().__init__(
            f"The company may use {limit:g} {NAMES[kind]} per day and has used {used:g};"
            " try again tomorrow, or ask the operator of this service for a higher quota.",
            quota=kind.value,
            limit=limit,
            used=used,
            resets_at=resets_at.isoformat(),
        )
        self._wait_s = max(1, math.ceil((resets_at - now).total_seconds()))

    def answer_headers(self) -> dict[str, str]:
        return {"Retry-After": str(self._wait_s)}
