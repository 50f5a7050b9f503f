"""Connections of asyncpg's own, for the few statements where each microsecond counts.

They are opened from the same URL as the engine's pool, act as one role as long as they live, and
notice a server that is gone within seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg

from atmr_common.database.engine import asyncpg_url
from atmr_common.database.tenancy import Tenancy

CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 1.0
SQLALCHEMY_ONLY = ("prepared_statement_cache_size", "prepared_statement_name_func")
KEEPALIVE = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
"""The server frees the locks of a client whose machine is gone after some ten seconds."""


async def connect(
    url: str,
    *,
    schema: str,
    tenancy: Tenancy,
    application: str,
    parameters: Mapping[str, str] | None = None,
) -> Any:
    """An `asyncpg.Connection` in the role and with the companies of `tenancy`.

    `parameters` are the server's, for as long as the connection lives.

    Raises:
        OSError, TimeoutError, asyncpg.PostgresError: when there is no server, or it refuses.

    """
    target = asyncpg_url(url)
    _, arguments = target.get_dialect()().create_connect_args(target)
    for name in SQLALCHEMY_ONLY:
        arguments.pop(name, None)
    connection = await asyncpg.connect(
        **arguments,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=COMMAND_TIMEOUT_S,
        server_settings={"application_name": application, **KEEPALIVE, **(parameters or {})},
    )
    settings = tenancy.settings(schema)
    try:
        await connection.execute(
            "SELECT set_config('role', $1, false), set_config('app.company_ids', $2, false)",
            settings["role"],
            settings["company_ids"],
        )
    except BaseException:
        connection.terminate()
        raise
    return connection


async def close(connection: Any) -> None:
    """End a connection; when this returns, the server has freed its locks, or is out of reach."""
    try:
        await connection.close(timeout=CLOSE_TIMEOUT_S)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
