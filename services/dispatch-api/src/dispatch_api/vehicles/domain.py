"""A vehicle: whom it can carry at once, its inspection, and when it is out of service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVehicle:
    """A vehicle as the database keeps it; a retired one is not `active`."""

    id: UUID
    name: str
    plate: str | None
    seats: int
    wheelchairs: int
    stretchers: int
    fold_seats_per_wheelchair: int
    fold_seats_per_stretcher: int
    equipment: list[str]
    inspection_expires_on: date | None
    created_at: datetime
    active: bool = True
    version: int = 1

    def inspected_on(self, day: date) -> bool:
        return self.inspection_expires_on is None or day <= self.inspection_expires_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A time when a vehicle is out of service."""

    id: UUID
    vehicle_id: UUID
    starts_at: datetime
    ends_at: datetime
    reason: str
