"""Builds the parts of the service from its settings: the one place that knows the adapters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from atmr_common.bus.build import build_bus
from atmr_common.bus.port import Bus, Message
from atmr_common.cache.build import open_caches
from atmr_common.contracts.catalogue import BY_TYPE, MODEL
from atmr_common.contracts.models import ModelPromoted, ModelPublished, ModelRolledBack
from atmr_common.observability.tracer_building import build_tracer
from atmr_common.observability.tracing import Tracer
from atmr_common.runtime.lifecycle import stop_in_time
from atmr_common.runtime.service_process import ConfigurationError
from atmr_common.web.identity_parts import IdentityParts, build_identity
from atmr_common.web.rate_limits import DoorLimits
from rl_inference.dataplane.batcher import BatchLimits
from rl_inference.dataplane.plane import DataPlane
from rl_inference.dataplane.registry import Registry
from rl_inference.metrics import ModelMetrics
from rl_inference.models.loading import LoadOptions
from rl_inference.models.repository import Repository
from rl_inference.settings import InferenceSettings

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the service's door and what works beside it are made of."""

    plane: DataPlane
    models: Registry
    bus: Bus
    identity: IdentityParts
    limits: DoorLimits
    metrics: CollectorRegistry
    tracer: Tracer


@asynccontextmanager
async def make_parts(
    settings: InferenceSettings, *, bus: Bus | None = None, jwks: dict[str, Any] | None = None
) -> AsyncIterator[Parts]:
    """The parts of one process; what is not handed in is made from the settings, and closed.

    Raises:
        ConfigurationError: when the model repository cannot be read.

    """
    metrics = CollectorRegistry()
    async with AsyncExitStack() as own:
        identity = build_identity(settings, registry=metrics, jwks=jwks)
        own.push_async_callback(identity.aclose)
        tracer = build_tracer(
            settings.otlp_endpoint,
            sample_ratio=settings.trace_sample_ratio,
            service="rl-inference",
            version=version("atmr-rl-inference"),
        )
        own.push_async_callback(tracer.aclose)
        caches = await own.enter_async_context(open_caches(settings.redis, metrics))
        models = await _models(settings)
        own.push_async_callback(models.close)
        if bus is None:  # closed before the models are: an event would load them again
            bus = build_bus(settings.kafka, metrics)
            own.push_async_callback(stop_in_time, "bus", bus.aclose)
        plane = DataPlane(models, limits=BatchLimits(queued_rows=settings.queue_rows))
        metrics.register(ModelMetrics(plane))
        yield Parts(
            plane=plane,
            models=models,
            bus=bus,
            identity=identity,
            limits=DoorLimits(settings.door_limits, caches.limiter, metrics),
            metrics=metrics,
            tracer=tracer,
        )


async def _models(settings: InferenceSettings) -> Registry:
    options = LoadOptions(
        providers=settings.providers,
        allow_degraded=settings.model_allow_degraded,
        most_bytes=settings.model_max_bytes,
    )
    models = Registry(Repository(settings.model_repository), options)
    try:
        await models.refresh()
    except OSError as error:
        raise ConfigurationError(
            f"The model repository {settings.model_repository} cannot be read ({error}):"
            " set ATMR_MODEL_REPOSITORY, or make one with `atmr models make-untrained`."
        ) from error
    return models


async def hear_of_models(parts: Parts) -> None:
    """Look into the repository when an event says that it has changed."""

    async def heard(message: Message) -> None:
        entry = BY_TYPE.get(message.headers.get("ce_type", ""))
        if entry is None or entry.topic != MODEL:
            return
        event = entry.model.model_validate_json(message.value)
        if isinstance(event, ModelPublished | ModelPromoted | ModelRolledBack):
            await parts.models.on_model_event(event)

    await parts.bus.tail([MODEL], heard)
