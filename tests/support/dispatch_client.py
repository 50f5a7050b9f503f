"""pytest plugin: dispatch-api in process on a real PostgreSQL, and clients with tokens for it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from support.tokens import TokenSigner

from atmr_common.runtime.clock import FixedClock
from atmr_common.web.identity import Role
from dispatch_api.app import create_app
from dispatch_api.composition import make_ports
from dispatch_api.ports import Ports
from dispatch_api.settings import DispatchSettings

TODAY = datetime(2026, 3, 16, 6, 0, tzinfo=UTC)  # a Monday, 07:00 in Zurich


@dataclass(frozen=True)
class DispatchApi:
    """The application under test with everything that a test needs around it."""

    app: FastAPI
    ports: Ports
    clock: FixedClock
    issuer: TokenSigner

    def client(
        self, company_id: UUID | None, role: Role = Role.DISPATCHER, subject: str = "tester"
    ) -> httpx.AsyncClient:
        """A client with a token of this role in this company."""
        token = self.issuer.issue(
            subject=subject,
            role=role,
            company_id=company_id,
            audience="atmr",
            lifetime=timedelta(hours=1),
        )
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://dispatch",
            headers={"Authorization": f"Bearer {token}"},
        )

    async def company(self, name: str = "Transports du Lac", **fields: object) -> UUID:
        """A fresh company."""
        async with self.client(None, Role.SERVICE) as platform:
            answer = await platform.post("/v1/companies", json={"name": name, **fields})
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["id"])


@pytest.fixture(scope="session")
def development_issuer() -> TokenSigner:
    return TokenSigner()


@pytest.fixture
def dispatch_settings(database_url: str) -> DispatchSettings:
    """Settings as the environment would give them; `_env_file=None` keeps a local .env out."""
    return DispatchSettings(
        _env_file=None,
        DATABASE_URL=database_url,
        patient_key=base64.b64encode(bytes(range(32))).decode(),
        database_pool_size=5,
    )


@pytest.fixture
async def dispatch_api(
    dispatch_settings: DispatchSettings, development_issuer: TokenSigner
) -> AsyncIterator[DispatchApi]:
    clock = FixedClock(TODAY)
    jwks = development_issuer.jwks()
    async with make_ports(dispatch_settings, clock=clock, jwks=jwks) as ports:
        app = create_app(dispatch_settings, ports)
        yield DispatchApi(app, ports, clock, development_issuer)


@pytest.fixture
async def company_id(dispatch_api: DispatchApi) -> UUID:
    return await dispatch_api.company()


@pytest.fixture
async def dispatcher(
    dispatch_api: DispatchApi, company_id: UUID
) -> AsyncIterator[httpx.AsyncClient]:
    """A dispatcher of a fresh company."""
    async with dispatch_api.client(company_id) as client:
        yield client
