"""Seals what identifies a patient: a data key per patient, wrapped by the company's master key.

AES-256-GCM throughout; each sealed value is bound to its owner, so that it cannot be moved to
another row. Searching goes through a blind index: HMACs of normalised words, keyed apart.
Destroying a patient's data key makes everything sealed under it unreadable: that is the erasure.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
TOKEN_BYTES = 16
FIRST_VERSION = 1
LAST_VERSION = 255
"""A wrapped data key begins with the version of the key that wrapped it, as one byte."""


class SealError(Exception):
    """A sealed value that this key and owner cannot open: wrong key, moved, or damaged."""


class UnknownKeyVersionError(SealError):
    """A data key that was wrapped by a version of the patient key which this process lacks."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"Version {version} of the patient key is in use but not in ATMR_PATIENT_KEY_FILE; "
            "put it back."
        )
        self.version = version


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """Every version of the master key by its number; `current` wraps what is new."""

    by_version: Mapping[int, bytes]
    current: int

    def __post_init__(self) -> None:
        for version, key in self.by_version.items():
            if not FIRST_VERSION <= version <= LAST_VERSION:
                raise ValueError(f"a key's version is {FIRST_VERSION} to {LAST_VERSION}")
            if len(key) != KEY_BYTES:
                raise ValueError(f"the patient key must be {KEY_BYTES} bytes, not {len(key)}")
        if self.current not in self.by_version:
            raise ValueError(f"version {self.current} is not there")

    def __repr__(self) -> str:
        return f"MasterKeys(versions={sorted(self.by_version)}, current={self.current})"


class PatientVault:
    """Holds the master keys; 32 random bytes each, which never change hands in logs.

    Nothing that it unwraps is kept: unwrapping takes some 3 us, and a key that is in no memory
    needs no forgetting when its patient is erased.
    """

    def __init__(self, keys: MasterKeys) -> None:
        self.current = keys.current
        self._wraps = {
            version: AESGCM(_derive(key, b"wrap")) for version, key in keys.by_version.items()
        }
        self._index_keys = {
            version: _derive(key, b"index") for version, key in keys.by_version.items()
        }
        self.answers_secret = _derive(keys.by_version[keys.current], b"answers")
        """Under which answers are sealed that may be asked for again (`Idempotency-Key`)."""

    @property
    def versions(self) -> frozenset[int]:
        """Those that can be opened."""
        return frozenset(self._wraps)

    def new_data_key(self, owner: UUID) -> bytes:
        """A fresh data key for a patient, wrapped by the current version."""
        return self._wrap(secrets.token_bytes(KEY_BYTES), owner)

    def rewrapped(self, data_key: bytes, owner: UUID) -> bytes:
        """The same data key under the current version, or as it is where that is newer.

        A process that was not told of a newer current version yet must not turn it back.
        """
        if version_of(data_key) >= self.current:
            return data_key
        return self._wrap(self._unwrap(data_key, owner), owner)

    def seal(self, data_key: bytes, owner: UUID, value: dict[str, Any]) -> bytes:
        """Encrypt `value` for the row `owner` under a patient's wrapped `data_key`."""
        cipher = AESGCM(self._unwrap(data_key, owner))
        return _encrypt(cipher, json.dumps(value).encode(), owner.bytes)

    def open(self, data_key: bytes, owner: UUID, sealed: bytes) -> dict[str, Any]:
        """Decrypt what `seal` made.

        Raises:
            UnknownKeyVersionError: when the version that wrapped the key is not here.
            SealError: when key, owner and value do not belong together.

        """
        cipher = AESGCM(self._unwrap(data_key, owner))
        return dict(json.loads(_decrypt(cipher, sealed, owner.bytes)))

    def token(self, company_id: UUID, word: str, version: int) -> bytes:
        """The blind index entry of a normalised word within one company."""
        key = self._index_keys.get(version)
        if key is None:
            raise UnknownKeyVersionError(version)
        return hmac.digest(key, company_id.bytes + word.encode(), "sha256")[:TOKEN_BYTES]

    def tokens(self, company_id: UUID, word: str) -> list[bytes]:
        """The word's entries under every version: a rotation may not have come by yet."""
        return [self.token(company_id, word, version) for version in sorted(self._index_keys)]

    def _wrap(self, data_key: bytes, owner: UUID) -> bytes:
        return bytes([self.current]) + _encrypt(self._wraps[self.current], data_key, owner.bytes)

    def _unwrap(self, data_key: bytes, owner: UUID) -> bytes:
        version = version_of(data_key)
        wrap = self._wraps.get(version)
        if wrap is None:
            raise UnknownKeyVersionError(version)
        return _decrypt(wrap, data_key[1:], owner.bytes)


def version_of(data_key: bytes) -> int:
    """The version of the master key that wrapped this data key."""
    if not data_key:
        raise SealError("the data key is empty")
    return data_key[0]


def _derive(master_key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"atmr patient " + purpose).derive(master_key)


def _encrypt(cipher: AESGCM, plain: bytes, owner: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, owner)


def _decrypt(cipher: AESGCM, sealed: bytes, owner: bytes) -> bytes:
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner)
    except InvalidTag as error:
        raise SealError("a sealed value does not belong to this key and owner") from error
