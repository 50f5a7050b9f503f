"""Plans in the database: one row per company and day, its stops, and the assignments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from itertools import groupby
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from dispatch_api.plans.domain import Assignment, NewPlan, Stop
from dispatch_api.plans.schemas import Plan, PlanRoute, PlanStop
from dispatch_api.plans.tables import AssignmentRow, PlanRow, PlanStopRow


class PlanRepository:
    """Reads and writes plans within one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def version(self, company_id: UUID, day: date) -> int:
        """The present version; 0 where there is no plan yet."""
        query = sa.select(col(PlanRow.version)).where(_plan_of(company_id, day))
        return await self._session.scalar(query) or 0

    async def lock(self, company_id: UUID, day: date) -> int:
        """Hold the day's plan until the transaction ends; returns its version."""
        row = {"company_id": company_id, "day": day, "version": 0, "summary": {}}
        await self._session.execute(insert(PlanRow).values(row).on_conflict_do_nothing())
        query = sa.select(col(PlanRow.version)).where(_plan_of(company_id, day)).with_for_update()
        return (await self._session.scalars(query)).one()

    async def replace(self, plan: NewPlan, version: int, committed_at: datetime) -> None:
        """Make `plan` the day's plan; its row must be locked."""
        own = {"company_id": plan.company_id, "day": plan.day}
        for table in (PlanStopRow, AssignmentRow):
            await self._session.execute(
                sa.delete(table).where(
                    col(table.company_id) == plan.company_id, col(table.day) == plan.day
                )
            )
        await self._insert(PlanStopRow, [own | asdict(stop) for stop in plan.stops])
        assigned = [
            own | asdict(assignment) | {"plan_version": version}
            for assignment in plan.assignments.values()
        ]
        await self._insert(AssignmentRow, assigned)
        await self._session.execute(
            sa.update(PlanRow)
            .where(_plan_of(plan.company_id, plan.day))
            .values(
                version=version,
                run_id=plan.run_id,
                committed_at=committed_at,
                summary=plan.summary,
            )
        )

    async def assignments(self, company_id: UUID, day: date) -> dict[UUID, Assignment]:
        """The day's assignments by booking."""
        query = sa.select(AssignmentRow).where(
            col(AssignmentRow.company_id) == company_id, col(AssignmentRow.day) == day
        )
        return {row.booking_id: _assignment(row) for row in await self._session.scalars(query)}

    async def take_out(self, company_id: UUID, day: date, bookings: Collection[UUID]) -> int:
        """Remove bookings from the plan, whose row must be locked; returns the new version."""
        for table in (PlanStopRow, AssignmentRow):
            await self._session.execute(
                sa.delete(table).where(
                    col(table.company_id) == company_id,
                    col(table.day) == day,
                    col(table.booking_id).in_(bookings),
                )
            )
        query = (
            sa.update(PlanRow)
            .where(_plan_of(company_id, day))
            .values(version=PlanRow.version + 1)
            .returning(col(PlanRow.version))
        )
        return (await self._session.scalars(query)).one()

    async def stops(self, company_id: UUID, day: date) -> Sequence[PlanStopRow]:
        """All stops by duty, in their order."""
        query = (
            sa.select(PlanStopRow)
            .where(col(PlanStopRow.company_id) == company_id, col(PlanStopRow.day) == day)
            .order_by(col(PlanStopRow.duty_id), col(PlanStopRow.sequence))
        )
        return (await self._session.scalars(query)).all()

    async def read(self, company_id: UUID, day: date) -> Plan:
        row = await self._session.scalar(sa.select(PlanRow).where(_plan_of(company_id, day)))
        if row is None:
            return Plan(day=day, version=0)
        routes = _routes(await self.stops(company_id, day))
        return Plan.model_validate({**row.model_dump(exclude={"company_id"}), "routes": routes})

    async def _insert(self, table: type, rows: list[dict[str, object]]) -> None:
        if rows:
            await self._session.execute(insert(table), rows)


def _plan_of(company_id: UUID, day: date) -> sa.ColumnElement[bool]:
    return sa.and_(col(PlanRow.company_id) == company_id, col(PlanRow.day) == day)


def _assignment(row: AssignmentRow) -> Assignment:
    return Assignment(
        booking_id=row.booking_id,
        duty_id=row.duty_id,
        planned_pickup_at=row.planned_pickup_at,
        planned_dropoff_at=row.planned_dropoff_at,
    )


def stop_of(row: PlanStopRow) -> Stop:
    """A stop of the present plan, as a new plan would hold it."""
    return Stop(**row.model_dump(exclude={"company_id", "day"}))


def _routes(stops: Iterable[PlanStopRow]) -> list[PlanRoute]:
    grouped = groupby(stops, key=lambda stop: stop.duty_id)
    return [
        PlanRoute(
            duty_id=duty_id, stops=[PlanStop.model_validate(row.model_dump()) for row in rows]
        )
        for duty_id, rows in grouped
    ]
