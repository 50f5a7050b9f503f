"""Places in the database; homes are sealed on the way in and opened on the way out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from dispatch_api.patients.repository import PatientRepository
from dispatch_api.patients.tables import PatientRow
from dispatch_api.patients.vault import PatientVault
from dispatch_api.places.domain import LocatedPlace, PlaceDetails, StoredPlace
from dispatch_api.places.tables import PlaceRow

NOTHING = asdict(PlaceDetails())
ERASED = "erased home"


class PlaceRepository:
    """Reads and writes places within one session."""

    def __init__(self, session: AsyncSession, vault: PatientVault) -> None:
        self._session = session
        self._vault = vault
        self._patients = PatientRepository(session, vault)

    async def add_all(self, company_id: UUID, places: Sequence[StoredPlace]) -> None:
        """Insert places; the patients of homes must be the company's, and not erased."""
        homes = {place.patient_id for place in places if place.patient_id is not None}
        keys = await self._patients.data_keys(company_id, homes)
        rows = [self._row(company_id, place, keys) for place in places]
        if rows:
            await self._session.execute(sa.insert(PlaceRow), rows)

    async def update(self, company_id: UUID, place: StoredPlace) -> None:
        """Write a place that was read under a lock."""
        homes = {place.patient_id} if place.patient_id else set()
        row = self._row(company_id, place, await self._patients.data_keys(company_id, homes))
        query = sa.update(PlaceRow).where(
            col(PlaceRow.company_id) == company_id, col(PlaceRow.id) == place.id
        )
        await self._session.execute(query.values(row))

    async def find(
        self, company_id: UUID, place_id: UUID, *, lock: bool = False
    ) -> StoredPlace | None:
        query = _of_company(company_id).where(col(PlaceRow.id) == place_id)
        if lock:
            query = query.with_for_update(of=PlaceRow, key_share=True)
        found = await self._read(query)
        return found[0] if found else None

    async def list(
        self,
        company_id: UUID,
        *,
        patient_id: UUID | None,
        text: str | None,
        after: UUID | None,
        limit: int,
    ) -> Sequence[StoredPlace]:
        """A patient's homes, or the shared places, whose label or address holds `text`."""
        query = _of_company(company_id).where(
            col(PlaceRow.patient_id).is_not_distinct_from(patient_id)
        )
        if text:
            held = [
                col(column).icontains(text, autoescape=True)
                for column in (PlaceRow.label, PlaceRow.address)
            ]
            query = query.where(sa.or_(*held))
        if after is not None:
            query = query.where(col(PlaceRow.id) > after)
        return await self._read(query.order_by(col(PlaceRow.id)).limit(limit))

    async def homes_of(
        self, company_id: UUID, patient_ids: Collection[UUID]
    ) -> Sequence[StoredPlace]:
        """Every home of these patients, opened."""
        query = _of_company(company_id).where(col(PlaceRow.patient_id).in_(patient_ids))
        return await self._read(query.order_by(col(PlaceRow.id)))

    async def shared_at(
        self,
        company_id: UUID,
        *,
        addresses: Collection[str] = (),
        points: Collection[tuple[float, float]] = (),
    ) -> Sequence[StoredPlace]:
        """Shared places with one of these addresses, or exactly at one of these (lat, lon)."""
        at = sa.tuple_(col(PlaceRow.lat), col(PlaceRow.lon)).in_(list(points))
        query = _of_company(company_id).where(
            col(PlaceRow.patient_id).is_(None),
            sa.or_(col(PlaceRow.address).in_(addresses), at),
        )
        return await self._read(query.order_by(col(PlaceRow.id)))

    async def located(
        self, company_id: UUID, place_ids: Collection[UUID]
    ) -> dict[UUID, LocatedPlace]:
        """Those of the company among `place_ids`, in one query; homes are opened in memory."""
        query = _of_company(company_id).where(col(PlaceRow.id).in_(place_ids))
        return {place.id: _located(place) for place in await self._read(query)}

    async def existing(self, company_id: UUID, place_ids: Iterable[UUID]) -> set[UUID]:
        """Which of `place_ids` are places of the company."""
        query = sa.select(col(PlaceRow.id)).where(
            col(PlaceRow.company_id) == company_id, col(PlaceRow.id).in_(list(place_ids))
        )
        return set(await self._session.scalars(query))

    async def empty_homes(self, company_id: UUID, patient_id: UUID) -> None:
        """Overwrite what is sealed of an erased patient's homes; the rows stay for bookings."""
        query = sa.update(PlaceRow).where(
            col(PlaceRow.company_id) == company_id, col(PlaceRow.patient_id) == patient_id
        )
        await self._session.execute(query.values(sealed=b"", precision=None))

    async def _read(self, query: sa.Select[PlaceRow, bytes | None]) -> Sequence[StoredPlace]:
        rows = await self._session.execute(query.execution_options(populate_existing=True))
        return [self._view(row, key) for row, key in rows]

    def _row(self, company_id: UUID, place: StoredPlace, keys: dict[UUID, bytes]) -> dict[str, Any]:
        row: dict[str, Any] = asdict(place) | {"company_id": company_id, "sealed": None}
        details = row.pop("details")
        if place.patient_id is None:
            row.update(details)
            return row
        sealed = self._vault.seal(keys[place.patient_id], place.patient_id, details)
        row.update(NOTHING, sealed=sealed)
        return row

    def _view(self, row: PlaceRow, data_key: bytes | None) -> StoredPlace:
        values = row.model_dump(exclude={"company_id", "sealed"})
        details = {name: values.pop(name) for name in NOTHING}
        if row.patient_id is not None:
            details["label"] = ERASED
            if data_key and row.sealed:
                details = self._vault.open(data_key, row.patient_id, row.sealed)
        return StoredPlace(details=PlaceDetails(**details), **values)


def _of_company(company_id: UUID) -> sa.Select[PlaceRow, bytes | None]:
    """Places with the key of the patient who lives there."""
    lives_there = sa.and_(
        col(PatientRow.company_id) == col(PlaceRow.company_id),
        col(PatientRow.id) == col(PlaceRow.patient_id),
    )
    return (
        sa.select(PlaceRow, col(PatientRow.data_key))
        .outerjoin(PatientRow, lives_there)
        .where(col(PlaceRow.company_id) == company_id)
    )


def _located(place: StoredPlace) -> LocatedPlace:
    details = place.details
    return LocatedPlace(
        lat=details.lat,
        lon=details.lon,
        label=details.label or details.address or "",
        precision=place.precision,
        dispatchable=place.dispatchable,
    )
