"""The companies that a developer can choose: those that the demo set up in this data folder."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["companies_by_id", "companies_file"]


def companies_file(data: Path) -> Path:
    """Where the demo remembers its companies: ids by name."""
    return data / "demo-companies.json"


def companies_by_id(data: Path) -> dict[str, str]:
    """Names by id; none where the file is not there or cannot be read."""
    try:
        known = json.loads(companies_file(data).read_text())
        return {str(company_id): str(name) for name, company_id in known.items()}
    except (OSError, ValueError, AttributeError):
        return {}
