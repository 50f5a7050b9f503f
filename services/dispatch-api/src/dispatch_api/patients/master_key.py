"""Reads the key that protects patients' data; without one the service does not start."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from atmr_common.runtime.service_process import ConfigurationError
from dispatch_api.patients.vault import KEY_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from dispatch_api.settings import DispatchSettings

REMEDY = "Make one with: openssl rand -base64 32"


class PatientKeyError(ConfigurationError):
    """The patient key is missing or is not base64 of 32 bytes."""


def read_master_key(settings: DispatchSettings) -> bytes:
    """The key from `ATMR_PATIENT_KEY_FILE`, else from `ATMR_PATIENT_KEY`."""
    if settings.patient_key_file is not None:
        text = _content(settings.patient_key_file)
    elif settings.patient_key is not None:
        text = settings.patient_key.get_secret_value().strip()
    else:
        raise PatientKeyError(f"Set ATMR_PATIENT_KEY_FILE or ATMR_PATIENT_KEY. {REMEDY}")
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise PatientKeyError(f"The patient key is not base64. {REMEDY}") from error
    if len(key) != KEY_BYTES:
        raise PatientKeyError(f"The patient key must be {KEY_BYTES} bytes. {REMEDY}")
    return key


def _content(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError as error:
        raise PatientKeyError(f"ATMR_PATIENT_KEY_FILE cannot be read: {error}") from error
