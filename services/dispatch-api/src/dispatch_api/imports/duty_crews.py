"""The vehicle and the crew of an imported duty: found by name, else created."""

from __future__ import annotations

from uuid import UUID

from atmr_engine.formats.day_records import DutyRecord
from dispatch_api.bookings.desk import BookingDesk
from dispatch_api.drivers.domain import DriverKind
from dispatch_api.drivers.repository import DriverRepository
from dispatch_api.drivers.schemas import CredentialFields, NewDriver
from dispatch_api.drivers.service import DriverService
from dispatch_api.imports.drafts import Draft
from dispatch_api.vehicles.repository import VehicleRepository
from dispatch_api.vehicles.schemas import NewVehicle
from dispatch_api.vehicles.service import VehicleService

CAPACITY = ("seats", "wheelchairs", "stretchers", "fold_seats_per_wheelchair")
LARGEST_CREW = 2
BETWEEN_NAMES = "+"


class CrewFinder:
    """Finds or creates who and what a duty needs, within one session."""

    def __init__(self, desk: BookingDesk, company_id: UUID) -> None:
        self._company_id = company_id
        self._vehicles = VehicleRepository(desk.session)
        self._drivers = DriverRepository(desk.session)
        self._new_vehicle = VehicleService(desk.session, desk.ports).create
        self._new_driver = DriverService(desk.session, desk.ports).create

    async def vehicle(self, draft: Draft[DutyRecord], record: DutyRecord) -> UUID:
        """The vehicle of this name; one that is there stays as it is."""
        found = await self._vehicles.by_names(self._company_id, [record.vehicle])
        known = found.get(record.vehicle)
        told = {name: getattr(record.capacity, name) for name in CAPACITY}
        told["equipment"] = sorted(record.equipment)
        if known is None:
            new = NewVehicle(name=record.vehicle, **told)
            return (await self._new_vehicle(self._company_id, new)).id
        kept = [name for name in told if _plain(getattr(known, name)) != told[name]]
        if kept:
            draft.warnings.append(
                f"vehicle {record.vehicle!r} is known with other {', '.join(kept)}, which it keeps"
            )
        return known.id

    async def crew(self, draft: Draft[DutyRecord], record: DutyRecord) -> list[UUID]:
        """The drivers of these names; the first one drives, and has the kind and the skills."""
        names = crew_names(draft, record)
        found = await self._drivers.by_names(self._company_id, names)
        crew = []
        for position, name in enumerate(names):
            known = found.get(name)
            if known is None:
                new = _new_driver(name, record if position == 0 else None)
                crew.append((await self._new_driver(self._company_id, new)).id)
                continue
            skills = {credential.skill for credential in known.credentials}
            if position == 0 and (
                known.kind.value != record.driver_kind.value or not record.skills <= skills
            ):
                draft.warnings.append(
                    f"driver {name!r} is known with another kind or other skills, which they keep"
                )
            crew.append(known.id)
        return crew


def crew_names(draft: Draft[DutyRecord], record: DutyRecord) -> list[str]:
    """The names in the row, as many as the crew; a second one that is not named is made up."""
    names = [name.strip() for name in record.driver.split(BETWEEN_NAMES) if name.strip()]
    crew = max(record.crew, len(names))
    if crew > LARGEST_CREW:
        draft.refuse("crew", f"{crew} are too many", f"a duty has a crew of 1 or {LARGEST_CREW}")
        return names[:LARGEST_CREW]
    if len(names) < crew:
        second = f"{names[0]}, second"
        draft.warnings.append(f"the second of the crew has no name: called {second!r}")
        names.append(second)
    return names


def _new_driver(name: str, record: DutyRecord | None) -> NewDriver:
    if record is None:
        return NewDriver(name=name)
    skills = [CredentialFields(skill=skill) for skill in sorted(record.skills)]
    return NewDriver(name=name, kind=DriverKind(record.driver_kind.value), credentials=skills)


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, list) else value
