"""The key that protects patients' data in standalone: made once, kept beside the database."""

from __future__ import annotations

from pathlib import Path

from standalone.kept_key import kept_key_file

__all__ = ["patient_key_file"]


def patient_key_file(folder: Path) -> Path:
    """The key's file in `folder`; made where it is not there yet."""
    return kept_key_file(folder, "patient.key")
