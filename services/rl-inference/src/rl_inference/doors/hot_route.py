"""What the hot way needs to know: which paths it takes, who may come, and who counts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from atmr_common.contracts.policy import SCORE_CANDIDATES, SERVICE
from atmr_common.observability.tracing import Tracer

if TYPE_CHECKING:
    from collections.abc import Callable

    from atmr_common.observability.request_metrics import RequestMetrics
    from rl_inference.doors.data_plane import DataPlane
    from rl_inference.doors.exchange import Exchange, Headers

INFER = re.compile(rb"/v2/models/(?P<name>[A-Za-z0-9._-]+)/infer")
INFER_VERSION = re.compile(
    rb"/v2/models/(?P<name>[A-Za-z0-9._-]+)/versions/(?P<version>[A-Za-z0-9_]+)/infer"
)
SCORE = re.compile(rb"/atmr\.policy\.v1\.PolicyService/ScoreCandidates")


@dataclass(frozen=True, slots=True)
class HotRoute:
    """The whole path of a request that is taken, its template for metrics, and what reads it."""

    path: re.Pattern[bytes]
    template: str
    exchange: Exchange


def hot_paths(inference: Exchange, scoring: Exchange) -> tuple[HotRoute, ...]:
    """The paths that are asked thousands of times a second."""
    models = "/v2/models/{name}"
    return (
        HotRoute(INFER, f"{models}/infer", inference),
        HotRoute(SCORE, f"/{SERVICE}/{SCORE_CANDIDATES}", scoring),
        HotRoute(INFER_VERSION, f"{models}/versions/{{version}}/infer", inference),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HotRoutes:
    """All that the protocol class is told; `admits` sees the headers before any body is read."""

    plane: DataPlane
    routes: tuple[HotRoute, ...]
    admits: Callable[[Headers], bool]
    max_body_bytes: int
    metrics: RequestMetrics
    tracer: Tracer = field(default_factory=Tracer)

    def find(self, path: bytes) -> tuple[HotRoute, dict[str, str | None]] | None:
        """The route that takes `path`, and what the path names."""
        for route in self.routes:
            match = route.path.fullmatch(path)
            if match is not None:
                named = {name: value.decode() for name, value in match.groupdict().items()}
                return route, dict(named)
        return None
