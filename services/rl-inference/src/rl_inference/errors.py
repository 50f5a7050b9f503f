"""What can be wrong with a request for an inference; every door says it in its own words.

DataPlaneError
├── InvalidInputError     the request does not fit the model             400
├── UnknownModelError     no such model, version or alias is live        404
├── NotReadyError         known, but none of its versions may answer     503
├── OverloadedError       the queue is full: come back in a while        429
├── ExpiredError          the deadline passed before it was computed     504
└── ComputationError      the session failed                             500
"""

from __future__ import annotations


class DataPlaneError(Exception):
    """A request that is not answered; the message is fit for the client's eyes."""


class InvalidInputError(DataPlaneError):
    """The inputs, outputs or shapes asked for are not those of the model."""


class UnknownModelError(DataPlaneError):
    """No model of that name, or no version or alias of it, is live."""


class NotReadyError(DataPlaneError):
    """The model is known, and none of its versions may answer; the message says why."""


class OverloadedError(DataPlaneError):
    """More is asked for than can be computed in time."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ExpiredError(DataPlaneError):
    """The deadline passed while the request waited."""


class ComputationError(DataPlaneError):
    """The model's session failed."""
