"""Puts the express path together: who writes, and the door in front of the application."""

from __future__ import annotations

from typing import Any

from starlette.middleware import Middleware

from atmr_common.database.asyncpg_connection import connect
from atmr_common.database.group_commit import GroupCommit
from atmr_common.database.tenancy import of_companies
from dispatch_api.bookings.express.batch import BookingBatch
from dispatch_api.bookings.express.door import BookingExpress
from dispatch_api.bookings.express.orders import Accepted, Order
from dispatch_api.ports import Ports
from dispatch_api.schema import SCHEMA
from dispatch_api.settings import DispatchSettings

PATIENCE = {"lock_timeout": "300ms"}
"""What one order waits for (its patient's row, its reference) all companies of its batch wait for:
after this each of them takes the usual path, where nobody waits for another's locks."""


def booking_writers(
    settings: DispatchSettings, ports: Ports
) -> GroupCommit[Order, Accepted | None]:
    """Two writers, which take turns; each transaction names its companies."""
    url = settings.database_url.get_secret_value()

    async def open_connection() -> Any:
        nobody = of_companies(())
        return await connect(
            url,
            schema=SCHEMA,
            tenancy=nobody,
            application="atmr bookings",
            parameters=PATIENCE,
        )

    return GroupCommit(open_connection, BookingBatch(ports))


def express_door(ports: Ports) -> tuple[Middleware, ...]:
    """The door, where there are writers."""
    if ports.express is None:
        return ()
    return (
        Middleware(
            BookingExpress,
            group=ports.express,
            verifier=ports.identity.verifier,
            limits=ports.limits,
        ),
    )
