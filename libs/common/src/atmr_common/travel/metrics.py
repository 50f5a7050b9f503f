"""What is counted about travel times, in a registry that the caller owns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from atmr_common.runtime.circuit_breaker import CircuitState

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class TravelMetrics:
    """One per registry: prometheus refuses the same name twice."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "atmr_travel_osrm_requests",
            "Requests to OSRM by outcome: ok, timeout, unreachable, server_error, refused, invalid,"
            " circuit_open, cancelled",
            ["outcome"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "atmr_travel_osrm_request_seconds",
            "Time of one request to OSRM, answered or not",
            registry=registry,
        )
        self.circuit = Gauge(
            "atmr_travel_osrm_circuit",
            "1 at the present state of OSRM's circuit breaker, 0 at the others",
            ["state"],
            registry=registry,
        )
        self.pairs = Counter(
            "atmr_travel_pairs",
            "Pairs of places asked for, by where they came from: cache, osrm",
            ["origin"],
            registry=registry,
        )
        self.cache_failures = Counter(
            "atmr_travel_cache_failures",
            "Times that the cache did not answer, so that OSRM was asked",
            registry=registry,
        )
        self.off_map = Counter(
            "atmr_travel_off_map_points",
            "Points farther from a road than the snapping limit, by request to OSRM",
            registry=registry,
        )
        self.negative_pairs = Counter(
            "atmr_travel_negative_pairs",
            "Pairs with a negative time or distance in OSRM's tables, asked for again as a route",
            registry=registry,
        )
        self.fallbacks = Counter(
            "atmr_travel_fallbacks",
            "Matrices that came from the fallback, by reason",
            ["reason"],
            registry=registry,
        )
        self.show_circuit(CircuitState.CLOSED)

    def show_circuit(self, present: CircuitState) -> None:
        for state in CircuitState:
            self.circuit.labels(state=state.value).set(float(state is present))
