"""Whether a duty can be worked: reads vehicle and crew under their locks, and looks for conflicts.

Two requests for one vehicle or driver come one after the other, so that both cannot win.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from atmr_common.runtime.identifiers import new_id
from atmr_common.web.problems import NotFoundError
from dispatch_api.drivers.domain import Shift, StoredDriver
from dispatch_api.drivers.repository import AbsenceRepository, DriverRepository, ShiftRepository
from dispatch_api.drivers.shift_schemas import NewBreak, breaks_within
from dispatch_api.drivers.shifts import ShiftService
from dispatch_api.duties.conflicts import DriverDay, VehicleDay, find_conflicts
from dispatch_api.duties.domain import Span, StoredDuty
from dispatch_api.duties.errors import refuse_conflicts
from dispatch_api.duties.repository import DutyRepository
from dispatch_api.vehicles.domain import StoredVehicle
from dispatch_api.vehicles.repository import OutageRepository, VehicleRepository

AROUND = timedelta(hours=24)
"""A shift lasts 24 hours at most, so that duties further away share none of its breaks."""


class Staffing:
    """Vehicle and crew of duties, within one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._vehicles = VehicleRepository(session)
        self._outages = OutageRepository(session)
        self._drivers = DriverRepository(session)
        self._absences = AbsenceRepository(session)
        self._shifts = ShiftRepository(session)
        self._shift_cases = ShiftService(session)
        self._duties = DutyRepository(session)

    async def hold(
        self, company_id: UUID, vehicle_id: UUID, crew: Sequence[UUID]
    ) -> tuple[StoredVehicle, list[StoredDriver]]:
        """Lock the vehicle, then the drivers, always in this order."""
        vehicle = await self._vehicles.find(company_id, vehicle_id, lock=True)
        if vehicle is None:
            raise NotFoundError(f"There is no vehicle {vehicle_id}.")
        drivers = await self._drivers.find_all(company_id, crew, lock=True)
        for driver_id in crew:
            if driver_id not in drivers:
                raise NotFoundError(f"There is no driver {driver_id}.")
        return vehicle, [drivers[driver_id] for driver_id in crew]

    async def create_shifts(
        self, company_id: UUID, duty: StoredDuty, breaks: Sequence[NewBreak]
    ) -> None:
        """Make a shift of the duty's times for each of the crew who has none that covers it."""
        known = await self._shifts.overlapping(company_id, duty.crew, duty.starts_at, duty.ends_at)
        working = {s.driver_id for s in known if s.covers(duty.starts_at, duty.ends_at)}
        for driver_id in duty.crew:
            if driver_id not in working:
                shift = Shift(
                    id=new_id(),
                    driver_id=driver_id,
                    starts_at=duty.starts_at,
                    ends_at=duty.ends_at,
                    breaks=breaks_within(breaks, duty.starts_at, duty.ends_at),
                )
                await self._shift_cases.add(company_id, shift)

    async def check(
        self,
        company_id: UUID,
        duty: StoredDuty,
        vehicle: StoredVehicle,
        crew: Sequence[StoredDriver],
        zone: ZoneInfo,
    ) -> None:
        """Raises DutyConflictsError naming everything that stands against the duty."""
        last_day = (duty.ends_at - timedelta.resolution).astimezone(zone).date()
        vehicle_day = VehicleDay(
            vehicle=vehicle,
            duties=await self._duties.of_vehicle(company_id, vehicle.id, duty.span),
            outages=await self._outages.overlapping(
                company_id, vehicle.id, duty.starts_at, duty.ends_at
            ),
        )
        crew_days = await self._crew_days(company_id, duty, crew)
        refuse_conflicts(find_conflicts(duty, last_day, vehicle_day, crew_days))

    async def _crew_days(
        self, company_id: UUID, duty: StoredDuty, crew: Sequence[StoredDriver]
    ) -> list[DriverDay]:
        around = Span(begin=duty.starts_at - AROUND, end=duty.ends_at + AROUND)
        duties = await self._duties.of_drivers(company_id, duty.crew, around)
        times = (duty.starts_at, duty.ends_at)
        absences = await self._absences.overlapping(company_id, duty.crew, *times)
        shifts = await self._shifts.overlapping(company_id, duty.crew, *times)
        return [
            DriverDay(
                driver=driver,
                duties=[d for d in duties if driver.id in d.crew and d.id != duty.id],
                absences=[a for a in absences if a.driver_id == driver.id],
                shifts=[s for s in shifts if s.driver_id == driver.id],
            )
            for driver in crew
        ]
