"""What stands against a duty: everything at once, each with a code and a remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dispatch_api.drivers.domain import Absence, Shift, StoredDriver
from dispatch_api.duties.domain import Span, StoredDuty, share_breaks
from dispatch_api.vehicles.domain import Outage, StoredVehicle


class ConflictCode(StrEnum):
    VEHICLE_RETIRED = "vehicle_retired"
    VEHICLE_BUSY = "vehicle_busy"
    VEHICLE_OUT_OF_SERVICE = "vehicle_out_of_service"
    INSPECTION_EXPIRED = "inspection_expired"
    DRIVER_RETIRED = "driver_retired"
    DRIVER_BUSY = "driver_busy"
    DRIVER_ABSENT = "driver_absent"
    CREDENTIAL_EXPIRED = "credential_expired"
    NO_SHIFT = "no_shift"
    BREAK_IMPOSSIBLE = "break_impossible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One thing against a duty, in a sentence with its remedy."""

    code: ConflictCode
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleDay:
    """A vehicle with what it does and when it cannot, around the time of a duty."""

    vehicle: StoredVehicle
    duties: Sequence[StoredDuty]
    outages: Sequence[Outage]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverDay:
    """A driver with shifts, absences and other duties around the time of a duty."""

    driver: StoredDriver
    duties: Sequence[StoredDuty]
    absences: Sequence[Absence]
    shifts: Sequence[Shift]

    def shift_for(self, span: Span) -> Shift | None:
        return next((s for s in self.shifts if s.covers(span.begin, span.end)), None)


def find_conflicts(
    duty: StoredDuty, last_day: date, vehicle: VehicleDay, crew: Sequence[DriverDay]
) -> list[Conflict]:
    """Everything that stands against `duty`, which ends on the local `last_day`."""
    found = [Conflict(code=code, message=text) for code, text in _vehicle(duty, last_day, vehicle)]
    for position, member in enumerate(crew):
        against = _driver(duty, last_day, member, drives=position == 0)
        found += [Conflict(code=code, message=text) for code, text in against]
    return found


Against = Iterator[tuple[ConflictCode, str]]


def _vehicle(duty: StoredDuty, last_day: date, day: VehicleDay) -> Against:
    vehicle, name = day.vehicle, f"Vehicle {day.vehicle.name}"
    if not vehicle.active:
        yield ConflictCode.VEHICLE_RETIRED, f"{name} is retired; choose another one."
    if not vehicle.inspected_on(last_day):
        expired = f"{name}'s inspection expired on {vehicle.inspection_expires_on}"
        yield ConflictCode.INSPECTION_EXPIRED, f"{expired}; have it inspected, or choose another."
    for other in _others(duty, day.duties):
        yield ConflictCode.VEHICLE_BUSY, f"{name} has duty {other.name} {_times(other.span)}."
    for outage in day.outages:
        span = Span(begin=outage.starts_at, end=outage.ends_at)
        if span.overlaps(duty.span):
            out = f"{name} is out of service {_times(span)} ({outage.reason})."
            yield ConflictCode.VEHICLE_OUT_OF_SERVICE, out


def _driver(duty: StoredDuty, last_day: date, day: DriverDay, *, drives: bool) -> Against:
    driver, name = day.driver, f"Driver {day.driver.name}"
    if not driver.active:
        yield ConflictCode.DRIVER_RETIRED, f"{name} has left; choose another one."
    for credential in driver.credentials:
        if not credential.valid_on(last_day):
            expired = f"{name}'s {credential.skill!r} expired on {credential.expires_on}"
            yield ConflictCode.CREDENTIAL_EXPIRED, f"{expired}; renew it, or take it off them."
    for other in _others(duty, day.duties):
        yield ConflictCode.DRIVER_BUSY, f"{name} has duty {other.name} {_times(other.span)}."
    for absence in day.absences:
        span = Span(begin=absence.starts_at, end=absence.ends_at)
        if span.overlaps(duty.span):
            yield ConflictCode.DRIVER_ABSENT, f"{name} is away {_times(span)} ({absence.reason})."
    shift = day.shift_for(duty.span)
    if shift is None:
        yield (
            ConflictCode.NO_SHIFT,
            f"{name} has no shift that covers the duty; add one, or send create_shifts.",
        )
    elif drives:
        yield from _breaks(duty, day, shift, name)


def _breaks(duty: StoredDuty, day: DriverDay, shift: Shift, name: str) -> Against:
    worked = {other.id: other.span for other in day.duties} | {duty.id: duty.span}
    for pause in share_breaks(shift.breaks, worked).impossible:
        window = _times(Span(begin=pause.earliest, end=pause.latest))
        text = f"{name}'s break of {pause.minutes:g} min {window} fits nowhere"
        yield ConflictCode.BREAK_IMPOSSIBLE, f"{text}; move it or the duty."


def _others(duty: StoredDuty, duties: Iterable[StoredDuty]) -> Iterator[StoredDuty]:
    return (o for o in duties if o.id != duty.id and o.span.overlaps(duty.span))


def _times(span: Span) -> str:
    return f"from {span.begin:%Y-%m-%d %H:%M} to {span.end:%Y-%m-%d %H:%M} {span.begin:%Z}"
