"""An issuer of tokens for tests: a key in memory, and claims that a test may bend."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from atmr_common.runtime.clock import Clock, SystemClock
from atmr_common.web.identity import Role
from atmr_common.web.tokens import DEVELOPMENT_ISSUER

RS256, ES256 = "RS256", "ES256"


@cache
def _rsa_key(_name: str) -> rsa.RSAPrivateKey:
    """Made once per name and process: making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class TokenSigner:
    """Signs tokens as `issuer`; another `key_id` is another key."""

    def __init__(
        self,
        *,
        issuer: str = DEVELOPMENT_ISSUER,
        key_id: str = "tests",
        algorithm: str = RS256,
        clock: Clock | None = None,
    ) -> None:
        self.issuer = issuer
        self.key_id = key_id
        self._algorithm = algorithm
        self._clock = clock or SystemClock()
        self._key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = (
            _rsa_key(key_id) if algorithm == RS256 else ec.generate_private_key(ec.SECP256R1())
        )

    def issue(
        self,
        *,
        subject: str = "tester",
        role: Role = Role.DISPATCHER,
        company_id: UUID | None = None,
        audience: str = "atmr",
        lifetime: timedelta = timedelta(hours=1),
        claims: dict[str, Any] | None = None,
        **more: Any,
    ) -> str:
        """A signed token, valid from now for `lifetime`; `claims` and `more` win over others."""
        now = self._clock.now()
        own = {
            "iss": self.issuer,
            "aud": audience,
            "sub": subject,
            "role": role.value,
            "company_id": str(company_id) if company_id else None,
            "iat": now,
            "exp": now + lifetime,
        }
        return self.sign(own | more | (claims or {}))

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """Any claims under any header."""
        headers = {"kid": self.key_id} | header
        return jwt.encode(claims, self._key, self._algorithm, headers=headers)

    def jwks(self) -> dict[str, Any]:
        """The public half, as a key set."""
        public = self._key.public_key()
        kind = (
            jwt.algorithms.RSAAlgorithm if self._algorithm == RS256 else jwt.algorithms.ECAlgorithm
        )
        entry = json.loads(kind.to_jwk(public))  # type: ignore[arg-type]  # the pair fits
        return {"keys": [entry | {"kid": self.key_id, "use": "sig", "alg": self._algorithm}]}
