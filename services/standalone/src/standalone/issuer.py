"""Who issues the tokens of standalone: a key of its own in the data folder."""

from __future__ import annotations

from pathlib import Path

from atmr_common.runtime.clock import Clock
from atmr_common.web.tokens import DevelopmentIssuer, issuer_key
from standalone.errors import StartError

__all__ = ["development_issuer"]


def development_issuer(data: Path, clock: Clock) -> DevelopmentIssuer:
    """The issuer whose key lies in `data`; StartError where it is no key."""
    try:
        return DevelopmentIssuer(data, clock)
    except ValueError:
        message = f"The key {issuer_key(data)} is damaged: remove it, and a new one is made."
        raise StartError(message) from None
