"""Use case: import a file of bookings in one transaction; a bad row never spoils a good one.

A dry run does the very same work and takes it back, so that its report cannot differ.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from atmr_common.web.access import Caller
from atmr_common.web.problems import ProblemError
from atmr_engine.formats.day_records import BookingRecord, Direction
from dispatch_api.bookings.desk import BookingDesk
from dispatch_api.bookings.domain import StoredBooking
from dispatch_api.bookings.edit_booking import edit_booking
from dispatch_api.bookings.intake import Intake, opened_notes
from dispatch_api.bookings.request_booking import store
from dispatch_api.bookings.schemas import NewBooking
from dispatch_api.bookings.timing import local_day, wrong_times
from dispatch_api.imports.booking_rows import (
    conflict,
    differences,
    home_end,
    new_booking,
    patient_reference,
)
from dispatch_api.imports.drafts import Draft, DraftFile, draft_bookings
from dispatch_api.imports.patient_finding import PatientFinder
from dispatch_api.imports.place_finding import (
    PlaceFinder,
    UnknownPlace,
    WantedPlace,
    coarse_warning,
)
from dispatch_api.imports.repository import hold_imports
from dispatch_api.imports.schemas import ImportReport, RowResult
from dispatch_api.patients.repository import PatientRepository
from dispatch_api.places.repository import PlaceRepository

LONGEST_REFERENCE = 64


@dataclass(frozen=True, slots=True)
class PreparedRow:
    """A good row with the request that it stands for."""

    draft: Draft[BookingRecord]
    new: NewBooking


class BookingImport:
    """One import within one session."""

    def __init__(self, desk: BookingDesk, caller: Caller) -> None:
        self._desk = desk
        self._caller = caller
        self._company_id = caller.company_id
        vault = desk.ports.vault
        self._patients = PatientFinder(
            PatientRepository(desk.session, vault), self._company_id, by=caller.subject
        )
        self._places = PlaceFinder(
            PlaceRepository(desk.session, vault), desk.ports.geocoder, self._company_id
        )

    async def run(
        self, data: bytes, day: date | None, *, dry_run: bool, strict: bool
    ) -> ImportReport:
        """Import what is good, or with `strict` all or nothing."""
        intake = await self._desk.intake(self._caller)
        file = await asyncio.to_thread(draft_bookings, data, intake.zone, day)
        await hold_imports(self._desk.session, self._company_id)
        prepared = await self._prepare(file, intake)
        savepoint = await self._desk.session.begin_nested()
        await self._write(intake, prepared)
        refused = strict and file.any_bad
        if refused:
            file.leave_out()
        if dry_run or refused:
            await savepoint.rollback()
        else:
            await savepoint.commit()
        quotas = self._desk.ports.quotas
        if dry_run:
            await quotas.check_bookings(self._desk.session, self._company_id, file.created)
        else:
            await quotas.spend_bookings(self._desk.session, self._company_id, file.created)
        return file.report(applied=not dry_run and not refused)

    async def _prepare(
        self, file: DraftFile[BookingRecord], intake: Intake
    ) -> dict[int, PreparedRow]:
        """The good rows by number, with patients and places found but not yet written."""
        references = {row: _patient_of(file, row) for row in file.rows}
        _refuse_bad_references(file, references)
        await self._patients.load(set(references.values()))
        patients = {
            draft.row: self._patients.find(references[draft.row], record.mobility, intake.now)
            for draft, record in file.good()
        }
        wanted = {draft.row: _wanted(record, patients[draft.row]) for draft, record in file.good()}
        await self._places.load(place for ends in wanted.values() for place in ends.values())
        prepared = {}
        for draft, record in file.good():
            places = await self._find_places(draft, wanted[draft.row], intake)
            new = new_booking(draft, record, patients[draft.row], places) if places else None
            if new is not None:
                new = _on_its_day(file, draft, new, intake)
                prepared[draft.row] = PreparedRow(draft, new)
        file.refuse_partners()
        return {row: item for row, item in prepared.items() if item.draft.good}

    async def _find_places(
        self, draft: Draft[BookingRecord], wanted: dict[str, WantedPlace], intake: Intake
    ) -> dict[str, UUID] | None:
        found = {}
        for end, place in wanted.items():
            known = await self._places.find(place, intake.now)
            if isinstance(known, UnknownPlace):
                draft.refuse(f"{end}_address", known.message, known.remedy)
                continue
            warning = coarse_warning(known, end)
            if warning:
                draft.warnings.append(warning)
            found[end] = known.id
        return found if len(found) == len(wanted) else None

    async def _write(self, intake: Intake, prepared: dict[int, PreparedRow]) -> None:
        """Create what is missing, set by set; then change what is different, one by one."""
        references = [item.draft.reference for item in prepared.values()]
        stored = await self._desk.bookings.by_references(self._company_id, references)
        fresh = [item for item in prepared.values() if item.draft.reference not in stored]
        known = [item for item in prepared.values() if item.draft.reference in stored]
        ids = {reference: booking.id for reference, booking in stored.items()}
        notes = await self._opened_notes(list(stored.values()))
        changes = []
        for item in known:
            booking = stored[item.draft.reference]
            linked_id = _linked_id(prepared, item, ids)
            if self._settle(item, booking, linked_id, notes.get(booking.id)):
                changes.append((item, booking))
        fresh = [item for item in fresh if not _partner_in_conflict(prepared, item)]
        await self._create(intake, prepared, fresh, ids, [item for item, _ in changes])
        for item, booking in changes:
            await self._change(item, booking, notes.get(booking.id))

    def _settle(
        self,
        item: PreparedRow,
        booking: StoredBooking,
        linked_id: UUID | None,
        notes: str | None,
    ) -> bool:
        """Whether the booking has to be changed to be what the row says."""
        draft = item.draft
        draft.id, draft.state = booking.id, booking.state
        wrong = conflict(item.new, booking, linked_id)
        if wrong:
            draft.result = RowResult.CONFLICT
            draft.refuse(*wrong, "give the row another booking_id, or correct it")
            return False
        if differences(item.new, booking, notes) is None:
            draft.result = RowResult.UNCHANGED
            return False
        return True

    async def _create(
        self,
        intake: Intake,
        prepared: dict[int, PreparedRow],
        fresh: list[PreparedRow],
        ids: dict[str, UUID],
        changed: list[PreparedRow],
    ) -> None:
        used = {item.new.patient_id for item in fresh}
        await self._patients.create(used)
        rows = [item.new for item in [*fresh, *changed]]
        ends = {end for new in rows for end in (new.pickup_place_id, new.dropoff_place_id)}
        await self._places.create(ends)
        if not fresh:
            return
        places = await self._desk.places(self._caller, *ends)
        keys = await self._desk.related.patients(self._company_id, used, hold=True)
        bookings = {
            item.draft.reference: intake.booking(item.new, keys[item.new.patient_id], places)
            for item in fresh
        }
        ids |= {reference: booking.id for reference, booking in bookings.items()}
        for item in fresh:
            booking = bookings[item.draft.reference]
            linked = _linked_id(prepared, item, ids)
            bookings[item.draft.reference] = replace(booking, linked_booking_id=linked)
            item.draft.result, item.draft.id = RowResult.CREATED, booking.id
            item.draft.state = booking.state
        await store(self._desk, self._caller, intake, list(bookings.values()), places)

    async def _change(self, item: PreparedRow, booking: StoredBooking, notes: str | None) -> None:
        """Change one booking; what its state does not allow is a conflict of this row alone."""
        change = differences(item.new, booking, notes)
        if change is None:
            return
        try:
            async with self._desk.session.begin_nested():
                changed = await edit_booking(
                    self._desk, self._caller, booking.id, change, booking.version
                )
        except ProblemError as error:
            item.draft.result = RowResult.CONFLICT
            item.draft.refuse(None, error.detail, "change the booking here, or correct the row")
        else:
            item.draft.result, item.draft.state = RowResult.CHANGED, changed.state

    async def _opened_notes(self, bookings: list[StoredBooking]) -> dict[UUID, str | None]:
        owners = {booking.patient_id for booking in bookings}
        keys = await self._desk.related.patients(self._company_id, owners)
        vault = self._desk.ports.vault
        return {b.id: opened_notes(vault, keys.get(b.patient_id), b) for b in bookings}


def _patient_of(file: DraftFile[BookingRecord], row: int) -> str:
    """The reference of the row's patient; both legs of a trip without one share a patient."""
    draft = file.rows[row]
    partner = file.rows.get(draft.partner or 0)
    if draft.record is None:
        return ""
    legs = [draft, *([partner] if partner is not None else [])]
    root = next(
        (leg.reference for leg in legs if leg.record and leg.record.direction is Direction.ALLER),
        draft.reference,
    )
    return patient_reference(draft.record, root)


def _refuse_bad_references(file: DraftFile[BookingRecord], references: dict[int, str]) -> None:
    for draft, record in file.good():
        if len(draft.reference) > LONGEST_REFERENCE:
            draft.refuse("booking_id", f"is longer than {LONGEST_REFERENCE}", "shorten it")
        if len(references[draft.row]) > LONGEST_REFERENCE:
            column = "patient_ref" if record.patient_ref else "booking_id"
            draft.refuse(column, f"is longer than {LONGEST_REFERENCE}", "shorten it")
        if draft.partner and references[draft.row] != references[draft.partner]:
            draft.refuse(
                "patient_ref",
                f"row {draft.partner}, which this one is linked to, is of another patient",
                "give both legs the same patient_ref",
            )
    file.refuse_partners()


def _wanted(record: BookingRecord, patient_id: UUID) -> dict[str, WantedPlace]:
    home = home_end(record)
    return {
        end: WantedPlace(place, patient_id if end == home else None)
        for end, place in (("pickup", record.pickup), ("dropoff", record.dropoff))
    }


def _on_its_day(
    file: DraftFile[BookingRecord], draft: Draft[BookingRecord], new: NewBooking, intake: Intake
) -> NewBooking:
    """The request with its day, and its times checked; an open return is on the file's day."""
    dated = new.model_copy(update={"day": local_day(new, intake.zone) or file.day})
    for column, detail in wrong_times(dated, intake.zone, intake.now):
        remedy = "correct it, or name the day of the file"
        draft.refuse(column if column != "day" else None, detail, remedy)
    return dated


def _linked_id(
    prepared: dict[int, PreparedRow], item: PreparedRow, ids: dict[str, UUID]
) -> UUID | None:
    """The id of the ALLER of this row, where the row is a RETOUR that has one."""
    partner = prepared.get(item.draft.partner or 0)
    if partner is None or item.new.direction.value != Direction.RETOUR.value:
        return None
    return ids.get(partner.draft.reference)


def _partner_in_conflict(prepared: dict[int, PreparedRow], item: PreparedRow) -> bool:
    partner = prepared.get(item.draft.partner or 0)
    if partner is None or partner.draft.result is not RowResult.CONFLICT:
        return False
    item.draft.result = RowResult.CONFLICT
    item.draft.refuse(
        "linked_booking_id",
        f"belongs together with row {partner.draft.row}, which conflicts with what is here",
        "correct that row, and import both again",
    )
    return True
