"""dispatch-api with its relay as `atmr serve dispatch-api` runs it, for the mesh.

A negative control may swap a part here (CHAOS_PARTS), so that the product needs no way to.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from chaos.parent import die_with_parent
from chaos.prefixed_bus import PrefixedBus
from chaos.swapped_parts import swapped
from prometheus_client import CollectorRegistry

from atmr_common.bus.build import build_bus
from atmr_common.observability.logs import configure_logs
from atmr_common.runtime.lifecycle import Lifecycle
from atmr_common.runtime.service_process import run_service, settings_of_service
from atmr_common.web.server import server_part
from dispatch_api.app import create_app, parts_beside
from dispatch_api.composition import make_ports
from dispatch_api.ports import Ports
from dispatch_api.settings import DispatchSettings

PARTS, PREFIX = "CHAOS_PARTS", "CHAOS_TOPIC_PREFIX"


@asynccontextmanager
async def chaos_ports(settings: DispatchSettings) -> AsyncIterator[Ports]:
    """The product's ports; with a prefix for its topics, and with a part swapped, if asked."""
    prefix, parts = os.environ.get(PREFIX), os.environ.get(PARTS)
    async with AsyncExitStack() as own:
        bus = None
        if prefix:
            bus = PrefixedBus(build_bus(settings.kafka, CollectorRegistry()), prefix)
            own.push_async_callback(bus.aclose)
        ports = await own.enter_async_context(make_ports(settings, bus=bus))
        yield swapped(ports, settings, parts) if parts else ports


def main() -> None:
    die_with_parent()
    settings = settings_of_service(DispatchSettings)
    configure_logs(settings.log_level, settings.log_format)

    async def start(lifecycle: Lifecycle) -> None:
        ports = await lifecycle.enter("ports", chaos_ports(settings))
        for part in parts_beside(settings, ports):
            await lifecycle.start(part)
        app = create_app(settings, ports, lifecycle)
        server = server_part(app, host=settings.host, port=settings.port, drain_s=1.0)
        await lifecycle.start(server)

    run_service(start, drain_seconds=settings.drain_seconds)


if __name__ == "__main__":
    main()
