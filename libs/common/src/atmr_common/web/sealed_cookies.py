"""Cookies that only this service can read or make: AES-256-GCM, with the purpose bound in.

The key file holds one key per line, base64 of 32 bytes: the first one seals, every one opens,
so that a key is replaced by putting the new one above it.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from atmr_common.runtime.service_process import ConfigurationError

KEY_BYTES = 32
NONCE_BYTES = 12
REMEDY = "make one with: openssl rand -base64 32"


class CookieSeal:
    """Seals bytes into the text of a cookie, and opens it again."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = [AESGCM(key) for key in keys]

    def seal(self, purpose: str, content: bytes) -> str:
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._ciphers[0].encrypt(nonce, content, purpose.encode())
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, purpose: str, text: str) -> bytes | None:
        """What was sealed for this purpose; None for anything else."""
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            return None
        nonce, content = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, content, purpose.encode())
            except (InvalidTag, ValueError):
                continue
        return None


def read_seal(path: Path) -> CookieSeal:
    """The seal of ATMR_AUTH_SESSION_KEY_FILE; ConfigurationError where it holds no key."""
    try:
        lines = path.read_text().split()
        keys = [base64.b64decode(line, validate=True) for line in lines]
    except OSError as error:
        raise ConfigurationError(
            f"ATMR_AUTH_SESSION_KEY_FILE cannot be read ({error.strerror}); {REMEDY}."
        ) from error
    except ValueError:
        keys = []
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise ConfigurationError(
            f"ATMR_AUTH_SESSION_KEY_FILE holds no base64 of {KEY_BYTES} bytes; {REMEDY}."
        )
    return CookieSeal(keys)
