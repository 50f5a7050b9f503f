"""Which errors of a receiver mean that something it needs is down, not that its message is bad.

Only then does a partition wait without limit, so a bad message must never pass for a dependency.
"""

from __future__ import annotations

import sys
from socket import gaierror

from atmr_common.bus.port import BusUnavailableError, DependencyDownError
from atmr_common.cache.port import CacheUnavailableError

DOWN = (
    DependencyDownError,
    BusUnavailableError,
    CacheUnavailableError,
    ConnectionError,
    TimeoutError,
    gaierror,
)
AWAY = frozenset({"08", "53", "57"})
"""Classes of SQLSTATE: connection exception, insufficient resources, operator intervention."""


def is_dependency_down(error: Exception) -> bool:
    """Whether the same message may succeed later, without being changed."""
    return isinstance(error, DOWN) or _database_is_down(error)


def _database_is_down(error: Exception) -> bool:
    """True for a lost connection, a full pool, a server that stops, starts or is out of resources.

    SQLAlchemy is not imported here: a service without a database does not load it.
    """
    errors = sys.modules.get("sqlalchemy.exc")
    if errors is None or not isinstance(error, errors.SQLAlchemyError):
        return False
    if isinstance(error, errors.TimeoutError):  # no connection of the pool became free
        return True
    if not isinstance(error, errors.DBAPIError):
        return False
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if error.connection_invalidated or state[:2] in AWAY:
        return True
    if isinstance(error, errors.InterfaceError):
        # asyncpg calls an argument that does not fit its column an interface error too
        return not isinstance(getattr(error.orig, "__cause__", None), ValueError)
    return isinstance(error, errors.OperationalError)
