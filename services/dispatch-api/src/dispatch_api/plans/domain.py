"""A plan to be committed, in identifiers and aware moments, and what it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID


class DayChangedError(Exception):
    """The day is not any more what the plan was made from: plan again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The versions that a plan was made from; a commit against others is refused."""

    plan_version: int
    bookings: Mapping[UUID, int]
    duties: Mapping[UUID, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One stop of a duty's route."""

    duty_id: UUID
    sequence: int
    kind: str
    booking_id: UUID | None
    place_id: UUID | None
    arrival_at: datetime
    begin_at: datetime
    end_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A booking in a duty's route."""

    booking_id: UUID
    duty_id: UUID
    planned_pickup_at: datetime
    planned_dropoff_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlan:
    """A checked plan of a company's day."""

    company_id: UUID
    day: date
    run_id: UUID
    stops: tuple[Stop, ...]
    summary: dict[str, Any]

    @property
    def assignments(self) -> dict[UUID, Assignment]:
        """Each served booking with its duty and planned times."""
        pickups = {stop.booking_id: stop for stop in self.stops if stop.kind == "pickup"}
        return {
            stop.booking_id: Assignment(
                booking_id=stop.booking_id,
                duty_id=stop.duty_id,
                planned_pickup_at=pickups[stop.booking_id].begin_at,
                planned_dropoff_at=stop.begin_at,
            )
            for stop in self.stops
            if stop.kind == "dropoff" and stop.booking_id is not None
        }
