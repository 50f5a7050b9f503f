"""A company's patients, places and duties for tests of bookings, made below the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from support.dispatch_client import TODAY, DispatchApi

from atmr_common.database.tenancy import of_company
from atmr_common.runtime.identifiers import new_id
from dispatch_api.bookings.repository import BookingRepository
from dispatch_api.drivers.domain import DriverKind
from dispatch_api.drivers.tables import DriverRow
from dispatch_api.duties.tables import DutyCrewRow, DutyRow
from dispatch_api.geocoding.port import Precision
from dispatch_api.patients.tables import PatientRow
from dispatch_api.places.tables import PlaceRow
from dispatch_api.plans.tables import AssignmentRow, PlanRow
from dispatch_api.vehicles.tables import VehicleRow

DAY = date(2026, 3, 16)


@dataclass(frozen=True)
class BookingWorld:
    """Writes rows of one company straight into the database."""

    api: DispatchApi
    company_id: UUID

    async def add(self, *rows: Any) -> None:
        """Insert rows, in their order."""
        async with self.api.ports.database.transaction(of_company(self.company_id)) as session:
            for row in rows:
                session.add(row)
                await session.flush()

    async def patient(self, mobility: str = "ambulatory", by: str | None = None) -> UUID:
        patient_id, vault = new_id(), self.api.ports.vault
        data_key = vault.new_data_key(patient_id)
        row = PatientRow(
            id=patient_id,
            company_id=self.company_id,
            data_key=data_key,
            sealed=vault.seal(data_key, patient_id, {"name": "Test"}),
            mobility=mobility,
            created_by=by,
            created_at=TODAY,
        )
        await self.add(row)
        return patient_id

    async def erase(self, patient_id: UUID) -> None:
        async with self.api.ports.database.transaction(of_company(self.company_id)) as session:
            row = await session.get_one(PatientRow, patient_id)
            row.data_key = row.sealed = None

    async def place(self, precision: Precision = Precision.HOUSE) -> UUID:
        row = PlaceRow(
            id=new_id(),
            company_id=self.company_id,
            label="Clinic",
            lat=46.2,
            lon=6.15,
            precision=precision,
            geocode_source="client",
            created_at=TODAY,
        )
        await self.add(row)
        return row.id

    async def correct_pin(self, place_id: UUID) -> None:
        async with self.api.ports.database.transaction(of_company(self.company_id)) as session:
            (await session.get_one(PlaceRow, place_id)).precision = Precision.ENTRANCE

    async def leg(self, **fields: Any) -> dict[str, Any]:
        """The body of a request for an ALLER at 08:10 to 08:30 in Zurich."""
        missing = {
            "patient_id": self.patient,
            "pickup_place_id": self.place,
            "dropoff_place_id": self.place,
        }
        ids = {name: str(await make()) for name, make in missing.items() if name not in fields}
        times = {
            "pickup_from": "2026-03-16T08:10:00+01:00",
            "pickup_to": "2026-03-16T08:30:00+01:00",
        }
        return ids | times | {"mobility": "wheelchair"} | fields

    async def booked(self, client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
        """A booking asked for through the API."""
        answer = await client.post("/v1/bookings", json=await self.leg(**fields))
        assert answer.status_code == 201, answer.text
        booking: dict[str, Any] = answer.json()
        return booking

    async def duty(self, subject: str = "driver-1", day: date = DAY) -> UUID:
        """A duty from 07:00 to 17:00 with one driver, whose token has `subject`."""
        begins = TODAY + timedelta(days=(day - DAY).days)
        vehicle = VehicleRow(
            id=new_id(),
            company_id=self.company_id,
            name=f"Van {new_id()}",
            seats=4,
            equipment=[],
            created_at=TODAY,
        )
        driver = DriverRow(
            id=new_id(),
            company_id=self.company_id,
            name=f"Driver {new_id()}",
            kind=DriverKind.REGULAR,
            subject=subject,
            credentials=[],
            created_at=TODAY,
        )
        duty = DutyRow(
            id=new_id(),
            company_id=self.company_id,
            name=f"Duty {new_id()}",
            day=day,
            vehicle_id=vehicle.id,
            starts_at=begins,
            ends_at=begins + timedelta(hours=10),
            created_at=TODAY,
        )
        crew = DutyCrewRow(
            company_id=self.company_id, duty_id=duty.id, position=1, driver_id=driver.id
        )
        await self.add(vehicle, driver, duty, crew)
        return duty.id

    async def carried(
        self, client: httpx.AsyncClient, subject: str = "driver-1", **fields: Any
    ) -> dict[str, Any]:
        """A booking in the route of a duty of the driver whose token has `subject`."""
        booking = await self.booked(client, **fields)
        await self.assign(booking["id"], await self.duty(subject), TODAY + timedelta(hours=1))
        return booking

    async def assign(self, booking_id: str, duty_id: UUID, pickup_at: datetime) -> None:
        """Put a confirmed booking into a committed plan, as a run does."""
        async with self.api.ports.database.transaction(of_company(self.company_id)) as session:
            ids = [UUID(booking_id)]
            repository = BookingRepository(session)
            await repository.assign_all(self.company_id, ids, by="run", at=TODAY)
            await session.merge(PlanRow(company_id=self.company_id, day=DAY, version=1, summary={}))
            await session.flush()
            session.add(
                AssignmentRow(
                    company_id=self.company_id,
                    booking_id=ids[0],
                    duty_id=duty_id,
                    day=DAY,
                    plan_version=1,
                    planned_pickup_at=pickup_at,
                    planned_dropoff_at=pickup_at + timedelta(minutes=20),
                )
            )
