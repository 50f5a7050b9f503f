"""What can go wrong with duties, as problems; each names the duties and the remedy."""

from __future__ import annotations

from collections.abc import Sequence

from atmr_common.web.problems import ConflictError
from dispatch_api.duties.conflicts import Conflict
from dispatch_api.duties.domain import StoredDuty


class InUseError(ConflictError):
    code = "in_use"
    title = "A duty stands in the way"


class DutyConflictsError(ConflictError):
    code = "duty_conflicts"
    title = "The duty cannot be worked"


class DutyCancelledError(ConflictError):
    code = "duty_cancelled"
    title = "The duty was cancelled"


class DutyRunningError(ConflictError):
    code = "duty_running"
    title = "Transports of the duty are under way"


def refuse_in_use(why: str, duties: Sequence[StoredDuty]) -> None:
    """Raises InUseError when there is a duty in the way."""
    if duties:
        names = ", ".join(f"{duty.name} on {duty.day}" for duty in duties[:5])
        raise InUseError(
            f"{why} while {len(duties)} duties need it ({names}); change or cancel them first.",
            duties=[str(duty.id) for duty in duties],
        )


def refuse_conflicts(conflicts: Sequence[Conflict]) -> None:
    """Raises DutyConflictsError when something stands against a duty."""
    if conflicts:
        raise DutyConflictsError(
            " ".join(conflict.message for conflict in conflicts),
            conflicts=[
                {"code": conflict.code, "message": conflict.message} for conflict in conflicts
            ],
        )
