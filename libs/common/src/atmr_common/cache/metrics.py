"""What is counted about Redis and its stand-ins, in a registry that the caller owns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

from atmr_common.runtime.circuit_breaker import CircuitState

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class CacheMetrics:
    """One per registry: prometheus refuses the same name twice."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.failures = Counter(
            "atmr_redis_failures",
            "Commands that Redis did not answer, by kind: timeout, unreachable, refused,"
            " circuit_open",
            ["kind"],
            registry=registry,
        )
        self.circuit = Gauge(
            "atmr_redis_circuit",
            "1 at the present state of Redis's circuit breaker, 0 at the others",
            ["state"],
            registry=registry,
        )
        self.degraded = Gauge(
            "atmr_cache_degraded",
            "1 while this part works with a local stand-in because Redis is away: cache,"
            " rate_limits",
            ["part"],
            registry=registry,
        )
        self.local_answers = Counter(
            "atmr_cache_local_answers",
            "Operations that a local stand-in did in Redis's place, by part",
            ["part"],
            registry=registry,
        )
        self.show_circuit(CircuitState.CLOSED)

    def show_circuit(self, present: CircuitState) -> None:
        for state in CircuitState:
            self.circuit.labels(state=state.value).set(float(state is present))
