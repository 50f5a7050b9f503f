"""What dispatch-api is given to work with: every outside thing, behind a port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from atmr_common.bus.port import Bus
from atmr_common.database.engine import Database
from atmr_common.database.outbox import Outbox, OutboxRelay
from atmr_common.runtime.clock import Clock
from atmr_common.travel.port import TravelTimes
from atmr_common.web.tokens import TokenVerifier
from dispatch_api.geocoding.port import Geocoder
from dispatch_api.patients.vault import PatientVault


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Made once per process by `composition.py`, or by a test."""

    database: Database
    bus: Bus
    outbox: Outbox
    relay: OutboxRelay
    travel: TravelTimes
    geocoder: Geocoder | None
    vault: PatientVault
    verifier: TokenVerifier
    clock: Clock
    registry: CollectorRegistry


def ports_of(request: Request) -> Ports:
    """The ports of the application that serves this request."""
    ports: Ports = request.app.state.ports
    return ports


PortsDep = Annotated[Ports, Depends(ports_of)]
