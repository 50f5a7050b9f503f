"""Seals what identifies a patient: a data key per patient, wrapped by the company's master key.

AES-256-GCM throughout; each sealed value is bound to its owner, so that it cannot be moved to
another row. Searching goes through a blind index: HMACs of normalised words, keyed apart.
Destroying a patient's data key makes everything sealed under it unreadable: that is the erasure.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_VERSION = b"\x01"
TOKEN_BYTES = 16


class SealError(Exception):
    """A sealed value that this key and owner cannot open: wrong key, moved, or damaged."""


class PatientVault:
    """Holds the master key; `master_key` is 32 random bytes that never change hands in logs."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != KEY_BYTES:
            raise ValueError(f"the patient key must be {KEY_BYTES} bytes, not {len(master_key)}")
        self._wrap_key = _derive(master_key, b"wrap")
        self._index_key = _derive(master_key, b"index")

    def new_data_key(self, owner: UUID) -> bytes:
        """A fresh data key for a patient, wrapped."""
        return KEY_VERSION + _encrypt(self._wrap_key, secrets.token_bytes(KEY_BYTES), owner.bytes)

    def seal(self, data_key: bytes, owner: UUID, value: dict[str, Any]) -> bytes:
        """Encrypt `value` for the row `owner` under a patient's wrapped `data_key`."""
        return _encrypt(self._unwrap(data_key, owner), json.dumps(value).encode(), owner.bytes)

    def open(self, data_key: bytes, owner: UUID, sealed: bytes) -> dict[str, Any]:
        """Decrypt what `seal` made.

        Raises:
            SealError: when key, owner and value do not belong together.

        """
        opened = json.loads(_decrypt(self._unwrap(data_key, owner), sealed, owner.bytes))
        return dict(opened)

    def token(self, company_id: UUID, word: str) -> bytes:
        """The blind index entry of a normalised word within one company."""
        text = company_id.bytes + word.encode()
        return hmac.new(self._index_key, text, hashlib.sha256).digest()[:TOKEN_BYTES]

    def _unwrap(self, data_key: bytes, owner: UUID) -> bytes:
        if data_key[:1] != KEY_VERSION:
            raise SealError("the data key was wrapped by an unknown version of the master key")
        return _decrypt(self._wrap_key, data_key[1:], owner.bytes)


def _derive(master_key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"atmr patient " + purpose).derive(master_key)


def _encrypt(key: bytes, plain: bytes, owner: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, owner)


def _decrypt(key: bytes, sealed: bytes, owner: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner)
    except InvalidTag as error:
        raise SealError("a sealed value does not belong to this key and owner") from error
