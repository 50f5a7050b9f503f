"""The public keys of an issuer (RFC 7517), reduced to those that may verify a token here.

Symmetric keys, private keys, keys for encryption and weak keys are left out, not refused: an
issuer may publish keys for others beside ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ALGORITHMS = ("RS256", "ES256")
MAX_KEYS = 64
MIN_RSA_BITS = 2048
KEY_TYPES = {"RSA": "RS256", "EC": "ES256"}


@dataclass(frozen=True)
class KeySet:
    """Keys by their `kid`; one without is filed under None."""

    by_id: Mapping[str | None, jwt.PyJWK]

    @classmethod
    def parse(cls, document: object) -> KeySet:
        """The usable keys of a JSON Web Key Set.

        Raises:
            ValueError: where it is no key set, or holds no usable key.

        """
        listed = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(listed, list):
            raise ValueError("it is no JSON Web Key Set")  # noqa: TRY004 (content, no argument)
        if len(listed) > MAX_KEYS:
            raise ValueError(f"it holds more than {MAX_KEYS} keys")
        keys = {each.get("kid"): key for each in listed if (key := _usable(each)) is not None}
        if not keys:
            raise ValueError("it holds no usable key: RSA from 2048 bits (RS256) or P-256 (ES256)")
        return cls(keys)

    def find(self, kid: object) -> jwt.PyJWK | None:
        """The key named `kid`; a token that names none may mean the only key that there is."""
        if kid is None:
            return next(iter(self.by_id.values())) if len(self.by_id) == 1 else None
        return self.by_id.get(kid) if isinstance(kid, str) else None

    def same_as(self, other: KeySet | None) -> bool:
        return other is not None and _public(self) == _public(other)


def _public(keys: KeySet) -> dict[str | None, Any]:
    return {kid: key._jwk_data for kid, key in keys.by_id.items()}  # noqa: SLF001 (no accessor)


def _usable(entry: object) -> jwt.PyJWK | None:
    if not isinstance(entry, dict) or not _is_for_us(entry):
        return None
    try:
        key = jwt.PyJWK(entry)
    except (jwt.PyJWTError, TypeError, ValueError):
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < MIN_RSA_BITS:
        return None
    return key if key.algorithm_name in ALGORITHMS else None


def _is_for_us(entry: dict[str, Any]) -> bool:
    algorithm = KEY_TYPES.get(str(entry.get("kty")))
    return (
        algorithm is not None
        and entry.get("alg", algorithm) == algorithm
        and entry.get("use", "sig") == "sig"
        and entry.get("crv", "P-256") == "P-256"
        and "d" not in entry  # a private key has no place in public
        and isinstance(entry.get("kid"), str | None)
    )
