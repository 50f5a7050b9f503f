"""Reads the versions of the key that protects patients' data; without one nothing starts.

One line is one key: `BASE64` (version 1) or `VERSION BASE64`. The highest version is current,
unless it is followed by `waiting`: then it only opens, until every process knows it.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from typing import TYPE_CHECKING

from atmr_common.runtime.service_process import ConfigurationError
from dispatch_api.patients.vault import FIRST_VERSION, KEY_BYTES, LAST_VERSION, MasterKeys

if TYPE_CHECKING:
    from pathlib import Path

    from dispatch_api.settings import DispatchSettings

REMEDY = "Make one with: openssl rand -base64 32"
FORM = "Write one key per line: VERSION BASE64"
WAITING = "waiting"
COMMENT = "#"


class PatientKeyError(ConfigurationError):
    """The patient key is missing or is not base64 of 32 bytes."""


def read_master_keys(settings: DispatchSettings) -> MasterKeys:
    """The keys of `ATMR_PATIENT_KEY_FILE`, else of `ATMR_PATIENT_KEY`."""
    if settings.patient_key_file is not None:
        return parsed_keys(_content(settings.patient_key_file))
    if settings.patient_key is not None:
        return parsed_keys(settings.patient_key.get_secret_value())
    raise PatientKeyError(f"Set ATMR_PATIENT_KEY_FILE or ATMR_PATIENT_KEY. {REMEDY}")


def parsed_keys(text: str) -> MasterKeys:
    """The keys of a text; a text that is one key alone is version 1.

    Raises:
        PatientKeyError: naming the line, never its key.

    """
    keys: dict[int, bytes] = {}
    waiting: set[int] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith(COMMENT):
            continue
        where = f"line {number} of the patient key"
        if words[-1] == WAITING:
            waiting.add(_version(words[:-1], where))
            words.pop()
        version = _version(words, where)
        if version in keys:
            raise PatientKeyError(f"Version {version} stands twice in the patient key. {FORM}")
        keys[version] = _key(words[-1], where)
    usable = keys.keys() - waiting
    if not usable:
        raise PatientKeyError(f"The patient key holds no key that may be used. {REMEDY}")
    return MasterKeys(keys, max(usable))


def add_key(file: Path, *, waiting: bool) -> int:
    """Append a fresh key of the next version to `file`; the version.

    The file is replaced whole, so that a process never reads half of it.
    """
    before = _content(file)
    keys = parsed_keys(before)
    version = max(keys.by_version) + 1
    if version > LAST_VERSION:
        raise PatientKeyError(f"Version {LAST_VERSION} is the last one that there can be.")
    key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    line = f"{version} {key} {WAITING}" if waiting else f"{version} {key}"
    unfinished = file.with_name(file.name + ".unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as written:
            written.write(f"{before.rstrip()}\n{line}\n")
            written.flush()
            os.fsync(written.fileno())
        unfinished.rename(file)
    except OSError as error:
        raise PatientKeyError(f"{file} cannot be written: {error.strerror}") from error
    return version


def _version(words: list[str], where: str) -> int:
    if len(words) == 1:
        return FIRST_VERSION
    if len(words) == 2 and words[0].isascii() and words[0].isdigit():  # noqa: PLR2004  version, key
        version = int(words[0])
        if FIRST_VERSION <= version <= LAST_VERSION:
            return version
    raise PatientKeyError(
        f"{where.capitalize()} is wrong. {FORM}, VERSION from {FIRST_VERSION} to {LAST_VERSION}."
    )


def _key(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PatientKeyError(f"{where.capitalize()} is not base64. {REMEDY}") from error
    if len(key) != KEY_BYTES:
        raise PatientKeyError(f"{where.capitalize()} must be {KEY_BYTES} bytes. {REMEDY}")
    return key


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except OSError as error:
        raise PatientKeyError(f"ATMR_PATIENT_KEY_FILE cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise PatientKeyError(f"ATMR_PATIENT_KEY_FILE is not base64. {REMEDY}") from error
