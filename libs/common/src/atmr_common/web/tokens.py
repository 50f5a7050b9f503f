"""Bearer tokens: JWTs checked against pinned issuer, audience and algorithms (RFC 8725).

ProblemError
├── UnauthenticatedError    the token is no good
│   └── UnknownKeyError     it names a key that is not known (yet)
└── UnavailableError
    └── KeysMissingError    no key was ever known, so nothing can be said about any token
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import jwt

from atmr_common.runtime.clock import Clock, SystemClock
from atmr_common.web.claims import check_times, identity_of
from atmr_common.web.identity import Identity
from atmr_common.web.key_ring import KeyRing
from atmr_common.web.problems import UnauthenticatedError, UnavailableError
from atmr_common.web.verified_tokens import VerifiedTokens, digest_of

DEVELOPMENT_ISSUER = "atmr-development"
"""`iss` of standalone's own issuer; a service that is not part of standalone refuses it."""

MAX_TOKEN_LENGTH = 16_384
LEEWAY = timedelta(seconds=5)
REFUSED = "The bearer token is not valid or has expired."


class UnknownKeyError(UnauthenticatedError):
    """The token names a key that is not among the issuer's known ones."""


class KeysMissingError(UnavailableError):
    """The issuer's keys could not be had since the start."""


class TokenVerifier:
    """Checks signature, issuer, audience and times, and reads the identity.

    `verify` never waits and remembers what it verified; `authenticate` reads the issuer's keys
    again first where that is needed. `algorithms`: of RS256 and ES256, nothing else.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        keys: KeyRing,
        algorithms: Sequence[str] = ("RS256",),
        clock: Clock | None = None,
    ) -> None:
        self._issuer = issuer
        self.audience = audience
        self._algorithms = frozenset(algorithms)
        self._clock = clock or SystemClock()
        self._verified = VerifiedTokens()
        self._generation = keys.generation
        self.keys = keys

    def verify(self, token: str) -> Identity:
        """The caller behind `token`; one seen within the last minute is not checked again.

        Raises:
            UnauthenticatedError: for anything but a valid token of this issuer.
            UnknownKeyError: for a token whose key is not known.
            KeysMissingError: where no keys were ever had.

        """
        if self._generation != self.keys.generation:
            self._verified.clear()
            self._generation = self.keys.generation
        digest, now = digest_of(token), self._clock.now().timestamp()
        known = self._verified.get(digest, now)
        if known is not None:
            return known
        claims = self.claims(token, audience=self.audience)
        try:
            identity = identity_of(claims)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnauthenticatedError(REFUSED) from error
        self._verified.put(digest, identity, now=now, expires=float(claims["exp"]))
        return identity

    async def authenticate(self, token: str) -> Identity:
        """`verify`, after the issuer's keys were read again if the token's key is unknown."""
        try:
            return self.verify(token)
        except (UnknownKeyError, KeysMissingError):
            await self.keys.ask()
            return self.verify(token)

    def claims(self, token: str, *, audience: str) -> dict[str, Any]:
        """The claims of a token of this issuer for `audience`; raises as `verify` does."""
        if self.keys.keys is None:
            raise KeysMissingError("Tokens cannot be checked yet: the issuer's keys are missing.")
        if len(token) > MAX_TOKEN_LENGTH:
            raise UnauthenticatedError(REFUSED)
        try:
            key = self._key(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=self._issuer,
                audience=audience,
                options={  # times are checked below, by our clock
                    "require": ["exp", "iss", "aud", "sub"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            check_times(claims, now=self._clock.now().timestamp(), leeway_s=LEEWAY.total_seconds())
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, RecursionError) as error:
            raise UnauthenticatedError(REFUSED) from error
        return claims

    def _key(self, token: str) -> jwt.PyJWK:
        """The key that the token names, if the token's algorithm is that key's and allowed."""
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in self._algorithms:
            raise jwt.InvalidAlgorithmError
        key = self.keys.keys.find(header.get("kid")) if self.keys.keys else None
        if key is None:
            raise UnknownKeyError(REFUSED)
        if key.algorithm_name != algorithm:
            raise jwt.InvalidAlgorithmError
        return key
