"""Links between requests: each follows a request that there is, and never itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.problem import ProblemError
from atmr_engine.validation.fields import require_not_negative

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atmr_engine.problem import Request


def validate_links(requests: Sequence[Request]) -> None:
    """Raise ProblemError for the first link that is wrong."""
    index = {request.id: position for position, request in enumerate(requests)}
    for position, request in enumerate(requests):
        if request.link is None:
            continue
        name = f"requests[{position}].link"
        require_not_negative(f"{name}.stay_s", request.link.stay_s)
        if request.link.after not in index:
            raise ProblemError(f"{name}.after", f"no request has the id {request.link.after!r}")
        if request.link.after == request.id:
            raise ProblemError(f"{name}.after", f"{request.id!r} cannot follow itself")
    _no_cycle(requests, index)


def _no_cycle(requests: Sequence[Request], index: dict[str, int]) -> None:
    """Each request follows at most one other, so walking back is enough to find a circle."""
    settled: set[str] = set()
    for request in requests:
        chain: dict[str, None] = {}
        current: Request | None = request
        while current is not None and current.id not in settled:
            if current.id in chain:
                walked = list(chain)
                circle = " after ".join([*walked[walked.index(current.id) :], current.id])
                raise ProblemError(
                    f"requests[{index[current.id]}].link", f"links run in a circle: {circle}"
                )
            chain[current.id] = None
            current = requests[index[current.link.after]] if current.link is not None else None
        settled.update(chain)
