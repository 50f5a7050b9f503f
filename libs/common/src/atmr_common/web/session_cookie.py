"""The session of a browser: a sealed cookie with the access token, which scripts cannot read.

A cookie comes along with whatever a page of another site sends, so a request that changes
something must also show that a page of ours sent it.
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from atmr_common.web.problems import ForbiddenError
from atmr_common.web.sealed_cookies import CookieSeal

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_COOKIE_LENGTH = 4_000  # browsers take 4,096 bytes with the name and the attributes
PURPOSE = "session"


class SessionCookie:
    """Reads and writes the cookie; `public_url` is where browsers reach the service.

    On https the name starts with `__Host-`, which makes browsers refuse it from anybody else.
    """

    def __init__(self, seal: CookieSeal, *, public_url: str) -> None:
        url = httpx.URL(public_url)
        self.seal = seal
        self.secure = url.scheme == "https"
        self.origin = origin_of(url)
        self.name = self.named("atmr")

    def named(self, name: str) -> str:
        return f"__Host-{name}" if self.secure else name

    def value(self, token: str) -> str:
        """The cookie's value; ValueError where browsers would not keep it."""
        sealed = self.seal.seal(PURPOSE, token.encode())
        if len(sealed) > MAX_COOKIE_LENGTH:
            raise ValueError("the access token is too long for a cookie")
        return sealed

    def token(self, cookies: Mapping[str, str]) -> str | None:
        """The access token behind the request's cookies, if there is one."""
        sealed = cookies.get(self.name)
        content = self.seal.open(PURPOSE, sealed) if sealed else None
        return content.decode() if content is not None else None

    def require_same_origin(self, method: str, headers: Mapping[str, str]) -> None:
        """ForbiddenError for a change that does not prove to come from a page of ours."""
        if method in SAFE_METHODS:
            return
        site = headers.get("sec-fetch-site")
        ours = site == "same-origin" if site else headers.get("origin") == self.origin
        if not ours:
            raise ForbiddenError(
                "With a session cookie, changes are taken from pages of this service only;"
                " programs send `Authorization: Bearer ...`."
            )


def origin_of(url: httpx.URL) -> str:
    """Scheme, host and port as browsers write them in `Origin`."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
