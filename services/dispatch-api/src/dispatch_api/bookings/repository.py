"""Bookings in the database: one by one for people, set by set for plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from atmr_common.runtime.identifiers import new_id
from dispatch_api.bookings.domain import (
    FIXED,
    BookingState,
    Direction,
    NotPlannableError,
    PlannableBooking,
    StoredBooking,
    Transition,
)
from dispatch_api.bookings.tables import BookingRow, BookingTransitionRow

_View = TypeVar("_View", bound=PlannableBooking)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingFilter:
    """Which bookings a list holds; None does not narrow it."""

    day: date | None = None
    state: BookingState | None = None
    patient_id: UUID | None = None
    direction: Direction | None = None
    booked_by: str | None = None


class BookingRepository:
    """Reads and writes bookings and their history within one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add_all(self, company_id: UUID, bookings: Sequence[StoredBooking]) -> None:
        """Insert bookings, outbound legs before the returns that point to them."""
        ordered = sorted(bookings, key=lambda booking: booking.linked_booking_id is not None)
        if ordered:
            rows = [asdict(booking) | {"company_id": company_id} for booking in ordered]
            await self._session.execute(sa.insert(BookingRow), rows)

    async def find(
        self, company_id: UUID, booking_id: UUID, *, lock: bool = False
    ) -> StoredBooking | None:
        found = await self.find_all(company_id, [booking_id], lock=lock)
        return found.get(booking_id)

    async def find_all(
        self, company_id: UUID, booking_ids: Iterable[UUID], *, lock: bool = False
    ) -> dict[UUID, StoredBooking]:
        """Those of the company among `booking_ids`; locked in the order of their ids."""
        query = _of_company(company_id).where(col(BookingRow.id).in_(list(booking_ids)))
        query = query.order_by(col(BookingRow.id)).execution_options(populate_existing=True)
        rows = await self._session.scalars(query.with_for_update() if lock else query)
        return {row.id: _view(StoredBooking, row) for row in rows}

    async def by_references(
        self, company_id: UUID, references: Iterable[str]
    ) -> dict[str, StoredBooking]:
        """Those of the company by the client's own ids."""
        query = _of_company(company_id).where(col(BookingRow.reference).in_(list(references)))
        rows = await self._session.scalars(query.execution_options(populate_existing=True))
        return {row.reference: _view(StoredBooking, row) for row in rows if row.reference}

    async def list(
        self, company_id: UUID, wanted: BookingFilter, *, after: UUID | None, limit: int
    ) -> Sequence[StoredBooking]:
        """In the order in which they were booked; `after` is the last id of the page before."""
        query = _of_company(company_id)
        for name, value in asdict(wanted).items():
            if value is not None:
                query = query.where(getattr(BookingRow, name) == value)
        if after is not None:
            query = query.where(col(BookingRow.id) > after)
        rows = await self._session.scalars(query.order_by(col(BookingRow.id)).limit(limit))
        return [_view(StoredBooking, row) for row in rows]

    async def update(
        self, company_id: UUID, booking: StoredBooking, changes: Mapping[str, Any]
    ) -> StoredBooking:
        """Change a booking that is locked, and raise its version."""
        changed = replace(booking, **changes, version=booking.version + 1)
        query = _update(company_id, [booking.id]).values(**changes, version=changed.version)
        await self._session.execute(query)
        return changed

    async def record(self, company_id: UUID, transitions: Sequence[Transition]) -> None:
        """Append to the history."""
        if transitions:
            ids = sorted(new_id() for _ in transitions)  # of one millisecond, in random order
            rows = [
                asdict(transition) | {"id": entry_id, "company_id": company_id}
                for entry_id, transition in zip(ids, transitions, strict=True)
            ]
            await self._session.execute(sa.insert(BookingTransitionRow), rows)

    async def history(self, company_id: UUID, booking_id: UUID) -> Sequence[Transition]:
        """The booking's transitions, the first one first."""
        names = [field.name for field in fields(Transition)]
        query = (
            sa.select(*(getattr(BookingTransitionRow, name) for name in names))
            .where(
                col(BookingTransitionRow.company_id) == company_id,
                col(BookingTransitionRow.booking_id) == booking_id,
            )
            .order_by(col(BookingTransitionRow.id))
        )
        rows = await self._session.execute(query)
        return [Transition(**dict(zip(names, row, strict=True))) for row in rows]

    async def forget_words(self, company_id: UUID, patient_id: UUID) -> None:
        """Take the reasons out of an erased patient's history: people wrote them."""
        theirs = sa.select(col(BookingRow.id)).where(
            col(BookingRow.company_id) == company_id, col(BookingRow.patient_id) == patient_id
        )
        query = sa.update(BookingTransitionRow).where(
            col(BookingTransitionRow.company_id) == company_id,
            col(BookingTransitionRow.booking_id).in_(theirs),
        )
        await self._session.execute(query.values(reason=None))

    async def plannable(self, company_id: UUID, day: date) -> Sequence[PlannableBooking]:
        """What a plan of the day is made of; those that are `fixed` keep duty and order."""
        free = sa.and_(
            col(BookingRow.state).in_([BookingState.CONFIRMED, BookingState.ASSIGNED]),
            col(BookingRow.on_hold).is_(False),
        )
        query = (
            _of_company(company_id)
            .where(col(BookingRow.day) == day, sa.or_(free, col(BookingRow.state).in_(FIXED)))
            .order_by(col(BookingRow.id))
            .execution_options(populate_existing=True)
        )
        return [_view(PlannableBooking, row) for row in await self._session.scalars(query)]

    async def lock_versions(self, company_id: UUID, booking_ids: Iterable[UUID]) -> dict[UUID, int]:
        """Hold bookings until the transaction ends, in the order of their ids; their versions."""
        found = await self._lock(company_id, booking_ids)
        return {booking_id: row.version for booking_id, row in found.items()}

    async def assign_all(
        self, company_id: UUID, booking_ids: Sequence[UUID], *, by: str, at: datetime
    ) -> dict[UUID, int]:
        """Confirmed bookings that a plan serves become assigned; the new version of each.

        Raises:
            NotPlannableError: when one is gone, on hold or not confirmed.

        """
        present = await self._lock(company_id, booking_ids)
        refused = [
            booking_id
            for booking_id in booking_ids
            if (found := present.get(booking_id)) is None
            or found.on_hold
            or found.state is not BookingState.CONFIRMED
        ]
        if refused:
            raise NotPlannableError(refused)
        move = (BookingState.CONFIRMED, BookingState.ASSIGNED)
        return await self._move(company_id, present, move, by=by, at=at, reason=None)

    async def release_all(
        self,
        company_id: UUID,
        booking_ids: Sequence[UUID],
        *,
        by: str,
        at: datetime,
        reason: str = "left out by a new plan",
    ) -> dict[UUID, int]:
        """Take bookings out of the plan: assigned becomes confirmed; the new version of each.

        Those that are not assigned (any more) are left alone and are not in the answer.
        """
        present = await self._lock(company_id, booking_ids)
        assigned = [key for key, row in present.items() if row.state is BookingState.ASSIGNED]
        move = (BookingState.ASSIGNED, BookingState.CONFIRMED)
        return await self._move(company_id, assigned, move, by=by, at=at, reason=reason)

    async def _lock(self, company_id: UUID, booking_ids: Iterable[UUID]) -> dict[UUID, Any]:
        columns = (BookingRow.id, BookingRow.state, BookingRow.version, BookingRow.on_hold)
        wanted = col(BookingRow.id).in_(list(booking_ids))
        query = (
            sa.select(*map(col, columns))
            .where(col(BookingRow.company_id) == company_id, wanted)
            .order_by(col(BookingRow.id))
            .with_for_update()
        )
        return {row.id: row for row in await self._session.execute(query)}

    async def _move(
        self,
        company_id: UUID,
        booking_ids: Iterable[UUID],
        move: tuple[BookingState, BookingState],
        *,
        by: str,
        at: datetime,
        reason: str | None,
    ) -> dict[UUID, int]:
        before, after = move
        query = (
            _update(company_id, list(booking_ids))
            .values(state=after, version=BookingRow.version + 1)
            .returning(col(BookingRow.id), col(BookingRow.version))
        )
        versions = {row.id: row.version for row in await self._session.execute(query)}
        transitions = [
            Transition(
                booking_id=booking_id,
                from_state=before,
                to_state=after,
                at=at,
                by=by,
                reason=reason,
            )
            for booking_id in versions
        ]
        await self.record(company_id, transitions)
        return versions


def _of_company(company_id: UUID) -> sa.Select[BookingRow]:
    return sa.select(BookingRow).where(col(BookingRow.company_id) == company_id)


def _update(company_id: UUID, booking_ids: Sequence[UUID]) -> sa.Update:
    return (
        sa.update(BookingRow)
        .where(col(BookingRow.company_id) == company_id, col(BookingRow.id).in_(booking_ids))
        .execution_options(synchronize_session=False)
    )


def _view(kind: type[_View], row: BookingRow) -> _View:
    return kind(**{field.name: getattr(row, field.name) for field in fields(kind)})
