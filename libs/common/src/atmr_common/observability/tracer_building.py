"""Builds the tracer that the settings ask for; OpenTelemetry is imported only when it is used."""

from __future__ import annotations

from pydantic import HttpUrl

from atmr_common.observability.tracing import Tracer
from atmr_common.runtime.service_process import ConfigurationError


def build_tracer(
    endpoint: HttpUrl | None, *, sample_ratio: float, service: str, version: str
) -> Tracer:
    """A tracer that sends to `endpoint`; without one, contexts are handed on and that is all.

    Raises:
        ConfigurationError: when there is an endpoint and the exporter is not installed.

    """
    if endpoint is None:
        return Tracer(sample_ratio=sample_ratio)
    try:
        from atmr_common.observability.otlp import otlp_spans  # noqa: PLC0415 (optional extra)
    except ImportError as error:
        raise ConfigurationError(
            "ATMR_OTLP_ENDPOINT is set, and the exporter is not installed: "
            "install atmr-common[telemetry], or remove the setting."
        ) from error
    sink = otlp_spans(str(endpoint), service=service, version=version)
    return Tracer(sink, sample_ratio=sample_ratio)
