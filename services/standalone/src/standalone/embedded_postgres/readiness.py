"""Asks a PostgreSQL server, over its Unix socket, whether it takes connections.

The first bytes of PostgreSQL's wire protocol (documentation, chapter 54.2), so that the answer
comes from the server's own mouth and no driver has to be loaded.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path

__all__ = ["is_ready", "socket_path"]

PROTOCOL_3_0 = 196608
CANNOT_CONNECT_NOW = b"C57P03\0"


class RefusedByServerError(Exception):
    """The server is up and refuses us for a reason that waiting does not cure."""


def socket_path(folder: Path) -> Path:
    return folder / ".s.PGSQL.5432"


def is_ready(folder: Path, role: str, database: str) -> bool:
    """True when a connection is accepted, False while there is none or it is starting up.

    Raises RefusedByServerError with the server's words otherwise.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        try:
            connection.connect(str(socket_path(folder)))
            connection.sendall(_startup_message(role, database))
            kind, body = _first_message(connection)
        except OSError:
            return False
        if kind == b"R":
            connection.sendall(b"X" + struct.pack("!i", 4))
            return True
    if CANNOT_CONNECT_NOW in body or not kind:
        return False
    raise RefusedByServerError(_words(body))


def _startup_message(role: str, database: str) -> bytes:
    pairs = f"user\0{role}\0database\0{database}\0\0".encode()
    return struct.pack("!ii", len(pairs) + 8, PROTOCOL_3_0) + pairs


def _first_message(connection: socket.socket) -> tuple[bytes, bytes]:
    head = _receive(connection, 5)
    if len(head) < 5:  # noqa: PLR2004  a message begins with its kind and four bytes of length
        return b"", b""
    (length,) = struct.unpack("!i", head[1:])
    return head[:1], _receive(connection, length - 4)


def _receive(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = connection.recv(count - len(received))
        if not part:
            break
        received += part
    return received


def _words(body: bytes) -> str:
    fields = {field[:1]: field[1:].decode(errors="replace") for field in body.split(b"\0") if field}
    return fields.get(b"M", "no reason given")
