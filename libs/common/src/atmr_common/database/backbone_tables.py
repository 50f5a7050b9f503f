"""Tables that every service's schema has beside its own: what the shared machinery keeps there.

`outbox` is in its own module. `row_security.py` says which role may do what with each.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from atmr_common.database.tables import timestamp


def inbox_table(metadata: sa.MetaData) -> sa.Table:
    """Which events a consumer has taken in: the row is written with the effect."""
    return sa.Table(
        "inbox",
        metadata,
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("company_id", sa.Uuid, nullable=False),
        sa.Column("received_at", timestamp(), nullable=False, index=True),
    )


def epoch_table(metadata: sa.MetaData) -> sa.Table:
    """The database's lives: a restore from a backup begins a new one."""
    return sa.Table(
        "epoch",
        metadata,
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("since", timestamp(), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )


def recurring_work_table(metadata: sa.MetaData) -> sa.Table:
    """When each piece of recurring work ran last, and how it went."""
    return sa.Table(
        "recurring_work",
        metadata,
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("last_started_at", timestamp()),
        sa.Column("last_finished_at", timestamp()),
        sa.Column("last_seconds", sa.Double),
        sa.Column("last_error", sa.Text),
        sa.Column("runs", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("failures", sa.BigInteger, nullable=False, server_default="0"),
    )


def idempotency_table(metadata: sa.MetaData) -> sa.Table:
    """Answers kept under the caller's `Idempotency-Key`, written with their effect.

    The platform's own requests, which concern no single company, stand under the nil UUID.
    """
    return sa.Table(
        "idempotency_key",
        metadata,
        sa.Column("company_id", sa.Uuid, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("mentions", ARRAY(sa.Uuid), nullable=False, server_default="{}"),
        sa.Column("created_at", timestamp(), nullable=False, index=True),
    )
