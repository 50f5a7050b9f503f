"""The full booking endpoint: the product's two paths, and the SQLModel way doing the same work.

Full: a token, a key, row-level security, sealed notes, history, reads on record, usage, event.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import jwt
import sqlalchemy as sa
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from support.api_bench_world import KEY, jwks_file

from atmr_common.database.engine import asyncpg_url
from atmr_common.database.idempotency import AnswerStore, RepeatableRequest
from atmr_common.database.outbox import Outbox
from atmr_common.database.tenancy import ENTER, of_company
from atmr_common.runtime.clock import SystemClock
from atmr_common.runtime.identifiers import new_id
from atmr_common.web.tokens import DEVELOPMENT_ISSUER
from dispatch_api import schema
from dispatch_api.app import create_app
from dispatch_api.bookings.intake import Intake
from dispatch_api.bookings.related_repository import TransportedPatient
from dispatch_api.bookings.request_booking import requested
from dispatch_api.bookings.schemas import Booking, NewBooking
from dispatch_api.bookings.tables import BookingRow, BookingTransitionRow
from dispatch_api.companies.tables import CompanyRow
from dispatch_api.composition import make_ports
from dispatch_api.geocoding.port import Precision, dispatchable
from dispatch_api.patients.master_key import read_master_keys
from dispatch_api.patients.tables import PatientAccessRow, PatientRow
from dispatch_api.patients.vault import PatientVault
from dispatch_api.places.domain import LocatedPlace
from dispatch_api.places.tables import PlaceRow
from dispatch_api.settings import DispatchSettings
from dispatch_api.usage.tables import UsageRow

PATH = "/v1/bookings"


def settings(url: str, *, group: bool) -> DispatchSettings:
    return DispatchSettings(
        _env_file=None,
        DATABASE_URL=url,
        patient_key=KEY,
        database_pool_size=16,
        booking_group_commit=group,
        rate_limit_per_s=1_000_000,
        rate_burst=1_000_000,
    )


@asynccontextmanager
async def product(
    url: str, folder: Path, *, group: bool, relay: bool = False
) -> AsyncIterator[Any]:
    """The real application; beside it the writers and, where asked for, the relay."""
    chosen = settings(url, group=group)
    async with make_ports(chosen, jwks=json.loads(jwks_file(folder).read_text())) as ports:
        beside = [ports.express.run()] if ports.express else []
        beside += [ports.relay.run()] if relay else []
        tasks = [asyncio.create_task(each) for each in beside]
        yield create_app(chosen, ports)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def usual(url: str, folder: Path) -> AsyncIterator[Any]:
    """FastAPI and SQLModel rows, written straightforwardly: read by id, add, commit."""
    engine = create_async_engine(asyncpg_url(url), pool_size=16, max_overflow=0)
    yield UsualBookings(engine, folder).app()
    await engine.dispose()


class UsualBookings:
    """The endpoint with what it needs."""

    def __init__(self, engine: Any, folder: Path) -> None:
        chosen = settings("postgresql://unused", group=False)
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._vault = PatientVault(read_master_keys(chosen))
        clock = SystemClock()
        self._answers = AnswerStore(
            schema.idempotency_key, secret=self._vault.answers_secret, clock=clock
        )
        self._outbox = Outbox(schema.outbox, source="/bench", clock=clock)
        keys = jwt.PyJWKSet.from_dict(json.loads(jwks_file(folder).read_text())).keys
        self._keys = {key.key_id: key.key for key in keys}

    def app(self) -> FastAPI:
        app = FastAPI()

        async def session() -> AsyncIterator[AsyncSession]:
            async with self._sessions() as opened:
                yield opened

        def claims(authorization: Annotated[str, Header()]) -> dict[str, Any]:
            token = authorization.removeprefix("Bearer ")
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            issuer = DEVELOPMENT_ISSUER
            return dict(jwt.decode(token, key, ["RS256"], audience="atmr", issuer=issuer))

        @app.post(PATH, status_code=201)
        async def book(
            new: NewBooking,
            request: Request,
            response: Response,
            idempotency_key: Annotated[str, Header()],
            claims: dict[str, Any] = Depends(claims),  # noqa: FAST002 (a local name)
            session: AsyncSession = Depends(session),  # noqa: FAST002 (a local name)
        ) -> Booking:
            repeatable = RepeatableRequest(
                company_id=UUID(claims["company_id"]),
                subject=claims["sub"],
                key=idempotency_key,
                operation="POST",
                fingerprint=sha256(await request.body()).digest(),
            )
            booking = await self._book(session, repeatable, new, claims["role"])
            response.headers["Location"] = f"{PATH}/{booking.id}"
            return booking

        return app

    async def _book(
        self, session: AsyncSession, repeatable: RepeatableRequest, new: NewBooking, role: str
    ) -> Booking:
        company_id, now = repeatable.company_id, datetime.now(UTC)
        await session.execute(ENTER, of_company(company_id).settings("dispatch"))
        if (await self._answers.begin(session, repeatable))[1] is not None:
            raise HTTPException(409)
        company = await session.get_one(CompanyRow, company_id)
        patient = await session.get_one(PatientRow, new.patient_id, with_for_update={"read": True})
        places = {}
        for place_id in (new.pickup_place_id, new.dropoff_place_id):
            places[place_id] = _located(await session.get_one(PlaceRow, place_id))
        intake = Intake(
            vault=self._vault,
            zone=ZoneInfo(company.zone),
            now=now,
            booked_by=repeatable.subject,
        )
        intake.check_times(new)
        transported = TransportedPatient(
            data_key=patient.data_key or b"", mobility=patient.mobility
        )
        made = intake.booking(new, transported, places)
        stored = {name: getattr(made, name) for name in type(made).__dataclass_fields__}
        row = BookingRow(company_id=company_id, **stored)
        session.add(row)
        await session.flush()
        for entry in intake.beginning(made, places):
            values = {name: getattr(entry, name) for name in type(entry).__dataclass_fields__}
            session.add(BookingTransitionRow(id=new_id(), company_id=company_id, **values))
        if made.sealed_notes is not None:
            reader = {"subject": repeatable.subject, "role": role, "at": now}
            of = {"company_id": company_id, "patient_id": made.patient_id}
            session.add(PatientAccessRow(id=new_id(), fields=["booking_notes"], **of, **reader))
        await self._outbox.record(
            session, requested(made), key=str(made.id), company_id=company_id, version=1
        )
        await session.execute(_counted(company_id, now.date()))
        shown = Booking(
            **{k: v for k, v in stored.items() if k != "sealed_notes"}, notes=new.notes, reason=None
        )
        body = shown.model_dump_json().encode()
        await self._answers.keep(session, repeatable, 201, {}, body)
        await session.commit()
        return shown


def _located(place: PlaceRow) -> LocatedPlace:
    precision = Precision(place.precision) if place.precision else None
    known = precision is not None and dispatchable(precision)
    return LocatedPlace(
        lat=place.lat, lon=place.lon, label="", precision=precision, dispatchable=known
    )


def _counted(company_id: UUID, day: Any) -> Any:
    row = {"company_id": company_id, "day": day, "kind": "bookings", "amount": 1.0}
    statement = insert(UsageRow).values(**row, stripe=sa.func.mod(sa.func.pg_backend_pid(), 32))
    return statement.on_conflict_do_update(
        index_elements=["company_id", "day", "kind", "stripe"],
        set_={"amount": sa.column("usage.amount", is_literal=True) + statement.excluded.amount},
    )


WAYS: dict[str, Any] = {
    "sqlmodel": usual,
    "plain": lambda url, folder: product(url, folder, group=False),
    "express": lambda url, folder: product(url, folder, group=True),
    "express+relay": lambda url, folder: product(url, folder, group=True, relay=True),
}
