"""Accepted bookings as what the writing statement takes: JSON rows, table by table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson

from atmr_common.database.idempotency import AnswerStore
from atmr_common.database.outbox import Outbox
from atmr_common.runtime.identifiers import new_id
from dispatch_api.bookings.desk import NOTES
from dispatch_api.bookings.express import statements
from dispatch_api.bookings.express.orders import Accepted
from dispatch_api.bookings.request_booking import requested

CREATED = 201
FIELDS = attrgetter(*statements.OWN)
Row = dict[str, Any]


class Rows:
    """Makes rows of bookings, of their history, events and kept answers."""

    def __init__(self, outbox: Outbox, answers: AnswerStore) -> None:
        self._outbox = outbox
        self._answers = answers

    def of(self, accepted: Collection[Accepted], now: datetime) -> list[str]:
        """The parameters of `statements.WRITE`."""
        accepted = sorted(accepted, key=_by_reference)  # no two batches wait for each other
        keyed = [each for each in accepted if each.order.repeatable is not None]
        keyed.sort(key=lambda each: each.key_name or "")
        tables: tuple[list[Row], ...] = (
            [_booking(each) for each in accepted],
            [row for each in accepted for row in _history(each)],
            [row for each in accepted for row in self._events(each)],
            [_shown(each, now) for each in accepted if each.booking.sealed_notes is not None],
            [self._kept(each) for each in keyed],
            _used(accepted),
        )
        return [orjson.dumps(rows).decode() for rows in tables]

    def _events(self, accepted: Accepted) -> Iterable[Row]:
        booking, order = accepted.booking, accepted.order
        told = [(requested(booking), str(booking.id), booking.version)]
        for row in self._outbox.rows_of(
            told, company_id=order.caller.company_id, traceparent=order.traceparent
        ):
            yield row._asdict() | {
                "headers": orjson.Fragment(row.headers),
                "value": row.value.hex(),
            }

    def _kept(self, accepted: Accepted) -> Row:
        request = accepted.order.repeatable
        if request is None:
            raise ValueError("an answer without a key is not kept")
        of = [accepted.booking.patient_id]
        row = self._answers.row(request, CREATED, accepted.headers, accepted.answer, of)
        row["fingerprint"] = request.fingerprint.hex()
        row["body"] = row["body"].hex()
        return row


def _by_reference(accepted: Accepted) -> tuple[UUID, str]:
    return accepted.order.caller.company_id, accepted.booking.reference or ""


def _booking(accepted: Accepted) -> Row:
    row = dict(zip(statements.OWN, FIELDS(accepted.booking), strict=True))
    row["company_id"] = accepted.order.caller.company_id
    if row["sealed_notes"] is not None:
        row["sealed_notes"] = row["sealed_notes"].hex()
    return row


def _history(accepted: Accepted) -> Iterable[Row]:
    company_id = accepted.order.caller.company_id
    ids = sorted(new_id() for _ in accepted.history)  # of one millisecond, in random order
    for entry_id, entry in zip(ids, accepted.history, strict=True):
        yield {
            "id": entry_id,
            "company_id": company_id,
            "booking_id": entry.booking_id,
            "from_state": entry.from_state,
            "to_state": entry.to_state,
            "at": entry.at,
            "by": entry.by,
            "late": entry.late,
        }


def _shown(accepted: Accepted, now: datetime) -> Row:
    caller = accepted.order.caller
    return {
        "id": new_id(),
        "company_id": caller.company_id,
        "patient_id": accepted.booking.patient_id,
        "subject": caller.subject,
        "role": caller.role.value,
        "at": now,
        "fields": NOTES,
    }


def _used(accepted: Collection[Accepted]) -> list[Row]:
    counts = Counter((each.order.caller.company_id, each.today) for each in accepted)
    return [
        {"company_id": company_id, "day": day, "amount": count}
        for (company_id, day), count in counts.items()
    ]
