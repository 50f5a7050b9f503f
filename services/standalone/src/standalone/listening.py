"""Takes every port before anything else is started, so that a taken one costs nothing."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from standalone.errors import PortTakenError, StartError
from standalone.servers import ServerKind
from standalone.settings import StandaloneSettings

__all__ = ["listening_sockets", "url_of"]

BACKLOG = 2048


@contextmanager
def listening_sockets(
    kinds: Sequence[ServerKind], settings: StandaloneSettings
) -> Iterator[list[socket.socket]]:
    """A listening socket for each server; early clients wait in its queue until we are ready."""
    with ExitStack() as stack:
        yield [stack.enter_context(_listen(kind, settings)) for kind in kinds]


def url_of(listener: socket.socket) -> str:
    """Where a client on this machine reaches it."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104  compared, not bound
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104  compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _listen(kind: ServerKind, settings: StandaloneSettings) -> socket.socket:
    host, port = kind.own_host(settings), kind.port(settings)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family)
    except OSError as error:
        raise StartError(f"Cannot listen on {host}: {error}; set ATMR_HOST.") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _refusal(kind, host, port, error) from error
    return listener


def _refusal(kind: ServerKind, host: str, port: int, error: OSError) -> StartError:
    remedy = f"set {kind.port_setting} or ATMR_PORT_BASE (atmr demo: --port) to a free port"
    if error.errno == errno.EADDRINUSE:
        return PortTakenError(
            f"Port {port} on {host}, for {kind.name}, is taken by another program: "
            f"stop that one, or {remedy}."
        )
    return StartError(f"{kind.name} cannot listen on {host}:{port} ({error.strerror}): {remedy}.")
