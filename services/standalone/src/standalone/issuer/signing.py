"""Signs the tokens of standalone with a key that is made once and lies in the data folder."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from atmr_common.runtime.clock import Clock
from atmr_common.web.identity import Role
from atmr_common.web.tokens import DEVELOPMENT_ISSUER
from standalone.errors import StartError

__all__ = ["DevelopmentIssuer", "development_issuer", "issuer_key"]

ALGORITHM = "RS256"


def issuer_key(folder: Path) -> Path:
    """Where the development issuer keeps its key."""
    return folder / "development-issuer.pem"


def development_issuer(data: Path, clock: Clock) -> DevelopmentIssuer:
    """The issuer whose key lies in `data`; StartError where it is no key."""
    try:
        return DevelopmentIssuer(data, clock)
    except ValueError:
        message = f"The key {issuer_key(data)} is damaged: remove it, and a new one is made."
        raise StartError(message) from None


class DevelopmentIssuer:
    """Signs tokens for development; `made_its_key` says whether there was none before."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._clock = clock
        path = issuer_key(folder)
        self.made_its_key = not path.exists()
        if self.made_its_key:
            _write_key(path)
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError("it is no RSA key")  # noqa: TRY004 (content of a file, no argument)
        self._key = key

    def issue(
        self,
        *,
        subject: str,
        role: Role,
        company_id: UUID | None,
        audience: str,
        lifetime: timedelta,
        scope: str | None = None,
    ) -> str:
        """An access token for the identity, valid from now for `lifetime`."""
        claims = {"role": role.value, "company_id": str(company_id) if company_id else None}
        if scope is not None:
            claims["scope"] = scope
        return self.sign(claims, subject=subject, audience=audience, lifetime=lifetime)

    def sign(
        self, claims: dict[str, Any], *, subject: str, audience: str, lifetime: timedelta
    ) -> str:
        """A token of this issuer with more `claims`."""
        now = self._clock.now()
        own = {
            "iss": DEVELOPMENT_ISSUER,
            "aud": audience,
            "sub": subject,
            "iat": now,
            "exp": now + lifetime,
        }
        return jwt.encode(claims | own, self._key, ALGORITHM, headers={"kid": DEVELOPMENT_ISSUER})

    def jwks(self) -> dict[str, Any]:
        """The public half as a JSON Web Key Set."""
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [public | {"kid": DEVELOPMENT_ISSUER, "use": "sig", "alg": ALGORITHM}]}


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
