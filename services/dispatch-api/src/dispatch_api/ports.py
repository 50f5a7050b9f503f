"""What dispatch-api is given to work with: every outside thing, behind a port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from atmr_common.bus.port import Bus
from atmr_common.database.engine import Database
from atmr_common.database.group_commit import GroupCommit
from atmr_common.database.idempotency import AnswerStore
from atmr_common.database.outbox import Outbox
from atmr_common.database.relay import OutboxRelay
from atmr_common.observability.tracing import Tracer
from atmr_common.runtime.clock import Clock
from atmr_common.runtime.crash_points import CrashPoints
from atmr_common.travel.port import TravelTimes
from atmr_common.web.identity_parts import IdentityParts
from atmr_common.web.rate_limits import DoorLimits
from dispatch_api.geocoding.port import Geocoder
from dispatch_api.patients.vault import PatientVault
from dispatch_api.usage.quotas import Quotas


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Made once per process by `composition.py`, or by a test."""

    database: Database
    bus: Bus
    outbox: Outbox
    answers: AnswerStore
    relay: OutboxRelay
    travel: TravelTimes
    geocoder: Geocoder | None
    vault: PatientVault
    identity: IdentityParts
    limits: DoorLimits
    quotas: Quotas
    clock: Clock
    registry: CollectorRegistry
    tracer: Tracer
    crash: CrashPoints
    express: GroupCommit[Any, Any] | None = None
    """Writes plain bookings together; None where each is written by itself."""


def ports_of(request: Request) -> Ports:
    """The ports of the application that serves this request."""
    ports: Ports = request.app.state.ports
    return ports


PortsDep = Annotated[Ports, Depends(ports_of)]
