"""Authorization codes: single use, a minute long, bound to client, redirect URI and PKCE."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from atmr_common.runtime.clock import Clock
from atmr_common.web.identity import Role
from atmr_common.web.login import challenge_of

__all__ = ["Codes", "Grant"]

LIFETIME = timedelta(seconds=60)
MOST = 1_000


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Who logged in, for which client, and what must come with the code."""

    client_id: str
    redirect_uri: str
    challenge: str
    nonce: str | None
    subject: str
    role: Role
    company_id: UUID | None


class Codes:
    """The codes that were given out and not used yet; the oldest go first when there are many."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: OrderedDict[str, tuple[datetime, Grant]] = OrderedDict()

    def give(self, grant: Grant) -> str:
        code = secrets.token_urlsafe(32)
        self._open[code] = (self._clock.now() + LIFETIME, grant)
        if len(self._open) > MOST:
            self._open.popitem(last=False)
        return code

    def take(self, code: str, *, client_id: str, redirect_uri: str, proof: str) -> Grant | None:
        """What the code stands for, once; None where anything does not fit."""
        until, grant = self._open.pop(code, (None, None))
        if until is None or grant is None or self._clock.now() >= until:
            return None
        fits = (
            grant.client_id == client_id
            and grant.redirect_uri == redirect_uri
            and hmac.compare_digest(grant.challenge.encode(), challenge_of(proof).encode())
        )
        return grant if fits else None
