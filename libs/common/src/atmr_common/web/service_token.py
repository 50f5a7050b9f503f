"""The token that a service shows to another: from a file, which is read again when it changes."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import httpx
from pydantic import SecretStr

from atmr_common.web.problems import UnavailableError

MAX_LENGTH = 16_384
REMEDY = "write the service's token into it"


class ServiceTokenError(UnavailableError):
    """There is no token to show; the message names the file and the remedy, never its content."""


class ServiceToken:
    """The content of ATMR_SERVICE_TOKEN_FILE."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._read: tuple[tuple[int, int, int], SecretStr] | None = None

    def current(self) -> SecretStr:
        """The token; the file is only opened when it was replaced or changed.

        Raises:
            ServiceTokenError: where there is none.

        """
        if self._path is None:
            raise ServiceTokenError("Set ATMR_SERVICE_TOKEN_FILE to a file with the token.")
        try:
            status = self._path.stat()
            state = (status.st_ino, status.st_mtime_ns, status.st_size)
            if self._read is None or self._read[0] != state:
                self._read = (state, _token(self._path))
        except OSError as error:
            raise _error(self._path, f"cannot be read ({error.strerror})") from error
        return self._read[1]

    async def ready(self) -> str | None:
        """Why other services cannot be called; None when they can."""
        try:
            self.current()
        except ServiceTokenError as error:
            return error.detail
        return None


class ServiceTokenAuth(httpx.Auth):
    """Adds the present token to every request of an httpx client."""

    def __init__(self, token: ServiceToken) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token.current().get_secret_value()}"
        yield request


def _token(path: Path) -> SecretStr:
    with path.open("rb") as file:
        content = file.read(MAX_LENGTH + 1).strip()
    if not content:
        raise _error(path, "is empty")
    if len(content) > MAX_LENGTH or not all(0x21 <= byte <= 0x7E for byte in content):  # noqa: PLR2004 (visible ASCII)
        raise _error(path, "holds no token")
    return SecretStr(content.decode("ascii"))


def _error(path: Path, what: str) -> ServiceTokenError:
    return ServiceTokenError(f"ATMR_SERVICE_TOKEN_FILE ({path}) {what}: {REMEDY}.")
