"""The express path's SQL, typed: one statement reads for a whole batch, one writes all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from dispatch_api.usage.repository import STRIPES

Columns = Sequence[tuple[str, str]]
"""Names of a table's columns with their types."""

BOOKING: Columns = (
    ("id", "uuid"),
    ("company_id", "uuid"),
    ("reference", "text"),
    ("patient_id", "uuid"),
    ("direction", "text"),
    ("day", "date"),
    ("pickup_place_id", "uuid"),
    ("dropoff_place_id", "uuid"),
    ("pickup_from", "timestamptz"),
    ("pickup_to", "timestamptz"),
    ("appointment_at", "timestamptz"),
    ("will_call", "boolean"),
    ("ready_forecast", "timestamptz"),
    ("mobility", "text"),
    ("companions", "integer"),
    ("equipment", "jsonb"),
    ("skills", "jsonb"),
    ("crew_needed", "integer"),
    ("ride_alone", "boolean"),
    ("share_group", "text"),
    ("service_pickup_min", "float8"),
    ("service_dropoff_min", "float8"),
    ("max_ride_min", "float8"),
    ("purpose", "text"),
    ("priority", "integer"),
    ("payer_reference", "text"),
    ("sealed_notes", "bytea"),
    ("state", "text"),
    ("on_hold", "boolean"),
    ("booked_by", "text"),
    ("version", "integer"),
    ("created_at", "timestamptz"),
)

OWN = tuple(name for name, _ in BOOKING if name != "company_id")
"""The columns that are fields of a stored booking."""

TRANSITION: Columns = (
    ("id", "uuid"),
    ("company_id", "uuid"),
    ("booking_id", "uuid"),
    ("from_state", "text"),
    ("to_state", "text"),
    ("at", "timestamptz"),
    ("by", "text"),
    ("late", "boolean"),
)

OUTBOX: Columns = (
    ("company_id", "uuid"),
    ("topic", "text"),
    ("key", "text"),
    ("headers", "jsonb"),
    ("value", "bytea"),
)

ACCESS: Columns = (
    ("id", "uuid"),
    ("company_id", "uuid"),
    ("patient_id", "uuid"),
    ("subject", "text"),
    ("role", "text"),
    ("at", "timestamptz"),
    ("fields", "jsonb"),
)

ANSWER: Columns = (
    ("company_id", "uuid"),
    ("subject", "text"),
    ("key", "text"),
    ("operation", "text"),
    ("fingerprint", "bytea"),
    ("status", "smallint"),
    ("headers", "jsonb"),
    ("body", "bytea"),
    ("mentions", "uuid[]"),
    ("created_at", "timestamptz"),
)

USAGE: Columns = (("company_id", "uuid"), ("day", "date"), ("amount", "float8"))


def _names(columns: Columns) -> str:
    return ", ".join(f'"{name}"' for name, _ in columns)


def _values(columns: Columns) -> str:
    """Bytea travels in hexadecimal digits: JSON has no bytes."""
    return ", ".join(
        f"""decode(item."{name}", 'hex')""" if kind == "bytea" else f'item."{name}"'
        for name, kind in columns
    )


def _items(columns: Columns, parameter: int) -> str:
    """A JSON array of objects as rows: cheaper for the client than an array per column."""
    fields = ", ".join(f'"{name}" {"text" if kind == "bytea" else kind}' for name, kind in columns)
    return f"json_to_recordset(${parameter}::json) AS item({fields})"


def _insert(table: str, columns: Columns, parameter: int) -> str:
    return (
        f"INSERT INTO dispatch.{table} ({_names(columns)})"  # noqa: S608 (names are ours)
        f" SELECT {_values(columns)} FROM {_items(columns, parameter)}"
    )


READ = """
    WITH held AS (
        SELECT id, company_id, data_key, mobility FROM dispatch.patient
        WHERE id = ANY ($2) AND data_key IS NOT NULL ORDER BY id FOR SHARE
    )
    SELECT item.number, company.zone, company.quotas,
        CASE WHEN $6 OR company.quotas ->> 'daily_bookings' IS NOT NULL THEN (
            SELECT coalesce(sum(amount), 0) FROM dispatch.usage
            WHERE usage.company_id = company.id AND kind = 'bookings'
            AND day = ($5::timestamptz AT TIME ZONE company.zone)::date
        ) END,
        held.data_key, held.mobility,
        pickup.precision, pickup.lat, pickup.patient_id, pickup.sealed,
        dropoff.precision, dropoff.lat, dropoff.patient_id, dropoff.sealed
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) WITH ORDINALITY
        AS item(company_id, patient_id, pickup_place_id, dropoff_place_id, number)
    JOIN dispatch.company ON company.id = item.company_id
    LEFT JOIN held ON (held.company_id, held.id) = (item.company_id, item.patient_id)
    LEFT JOIN dispatch.place AS pickup
        ON (pickup.company_id, pickup.id) = (item.company_id, item.pickup_place_id)
    LEFT JOIN dispatch.place AS dropoff
        ON (dropoff.company_id, dropoff.id) = (item.company_id, item.dropoff_place_id)
    """
"""For each order what its company may and did book today, its patient (held so that an erasure
waits), and its places; $5 is the moment, $6 whether companies without a quota have one too."""

WRITE = f"""
    WITH booked AS ({_insert("booking", BOOKING, 1)} ON CONFLICT DO NOTHING RETURNING id),
    history AS (
        {_insert("booking_transition", TRANSITION, 2)} JOIN booked ON booked.id = item.booking_id
    ),
    told AS ({_insert("outbox", OUTBOX, 3)}),
    shown AS ({_insert("patient_access_log", ACCESS, 4)}),
    kept AS (
        {_insert("idempotency_key", ANSWER, 5)} ON CONFLICT DO NOTHING RETURNING subject, key
    ),
    used AS (
        INSERT INTO dispatch.usage AS present (company_id, day, kind, stripe, amount)
        SELECT company_id, day, 'bookings', pg_backend_pid() % {STRIPES}, amount
        FROM {_items(USAGE, 6)} ORDER BY company_id
        ON CONFLICT (company_id, day, kind, stripe)
        DO UPDATE SET amount = present.amount + excluded.amount
    )
    SELECT array(SELECT id FROM booked), array(SELECT subject || ' ' || key FROM kept)
    """  # noqa: S608 (names are ours)
"""Bookings with history, events, reads on record, kept answers and usage, all or none.

It tells the ids that were booked and the keys that were kept: what another one has is left out.
"""


def decoded(json: str) -> dict[str, Any]:
    """A jsonb value, which asyncpg hands over as text."""
    return dict(orjson.loads(json))
