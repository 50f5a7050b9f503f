"""What can go wrong with the embedded PostgreSQL: one class, whose text names cause and remedy."""

from __future__ import annotations

__all__ = ["EmbeddedPostgresError"]


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot run; the message is one sentence a person can act upon."""
