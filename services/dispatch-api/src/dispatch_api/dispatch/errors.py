"""What can go wrong with dispatch runs: problems for clients, and what a worker meets."""

from __future__ import annotations

from socket import gaierror

from sqlalchemy.exc import InterfaceError, OperationalError

from atmr_common.web.problems import ConflictError

LOST = (OperationalError, InterfaceError, ConnectionError, TimeoutError, gaierror)
"""How a database that is away shows."""


class RunEndedError(ConflictError):
    code = "run_ended"
    title = "The run has ended"


class RunLostError(Exception):
    """The run is not this worker's any more: cancelled, or taken over after its lease ran out."""
