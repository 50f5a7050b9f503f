"""Bearer tokens: verified against pinned issuer, audience and algorithm.

The development issuer signs with a key of its own that lies in the data directory; it serves
`atmr token` and standalone, and nothing else trusts it.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from atmr_common.web.identity import Identity, Role
from atmr_common.web.problems import UnauthenticatedError

if TYPE_CHECKING:
    from atmr_common.runtime.clock import Clock

ALGORITHM = "RS256"
DEVELOPMENT_ISSUER = "atmr-development"


class TokenVerifier:
    """Checks signature, issuer, audience and expiry, and reads the identity.

    `jwks` is the issuer's JSON Web Key Set (RFC 7517).
    """

    def __init__(self, *, issuer: str, audience: str, jwks: dict[str, Any]) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = {key.key_id: key.key for key in jwt.PyJWKSet.from_dict(jwks).keys}

    def verify(self, token: str) -> Identity:
        """The caller behind `token`.

        Raises:
            UnauthenticatedError: for anything but a valid token of this issuer.

        """
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
            return _identity(claims)
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError) as error:
            raise UnauthenticatedError("The bearer token is not valid or has expired.") from error


def issuer_key(folder: Path) -> Path:
    """Where the development issuer keeps its key."""
    return folder / "development-issuer.pem"


class DevelopmentIssuer:
    """Signs tokens for development with a key that it makes once under `folder`."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._clock = clock
        self._path = issuer_key(folder)
        self.made_its_key = not self._path.exists()
        if self.made_its_key:
            _write_key(self._path)
        self._key = serialization.load_pem_private_key(self._path.read_bytes(), password=None)

    def issue(
        self,
        *,
        subject: str,
        role: Role,
        company_id: UUID | None,
        audience: str,
        lifetime: timedelta,
    ) -> str:
        """A signed token for the identity, valid from now for `lifetime`."""
        now = self._clock.now()
        claims = {
            "iss": DEVELOPMENT_ISSUER,
            "aud": audience,
            "sub": subject,
            "role": role.value,
            "company_id": str(company_id) if company_id else None,
            "iat": now,
            "exp": now + lifetime,
        }
        return jwt.encode(claims, self._pem(), ALGORITHM, headers={"kid": DEVELOPMENT_ISSUER})

    def jwks(self) -> dict[str, Any]:
        """The public half, as the verifier takes it."""
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))  # type: ignore[arg-type]
        return {"keys": [public | {"kid": DEVELOPMENT_ISSUER, "use": "sig", "alg": ALGORITHM}]}

    def _pem(self) -> bytes:
        return self._path.read_bytes()


def _identity(claims: dict[str, Any]) -> Identity:
    company = claims.get("company_id")
    return Identity(
        subject=str(claims["sub"]),
        role=Role(claims["role"]),
        company_id=UUID(company) if company else None,
    )


def _write_key(path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(f".{os.getpid()}")
    written.touch(mode=0o600)
    written.write_bytes(pem)
    written.replace(path)
