"""Whether the bearer of a token may take the hot way; who may not is answered the ordinary way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_common.web.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from atmr_common.web.identity import Identity
    from rl_inference.doors.exchange import Headers

SCHEME = "bearer"


class TokenAdmission:
    """Admits good tokens; `verify` is `TokenVerifier.verify`, which remembers those it has seen.

    A refusal here only means that the ordinary way has to look: it may read the issuer's keys
    again, knows other credentials, and words the refusal.
    """

    def __init__(
        self, verify: Callable[[str], Identity], allows: Callable[[Identity], bool]
    ) -> None:
        self._verify = verify
        self._allows = allows

    def __call__(self, headers: Headers) -> bool:
        """Whether the request's bearer token is a good one."""
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme.lower() != SCHEME or not token:
            return False
        try:
            return self._allows(self._verify(token))
        except ProblemError:
            return False
