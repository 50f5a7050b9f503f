"""What the hot way needs to know: which paths it takes, who may come, and who counts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from atmr_common.contracts.policy import SCORE_CANDIDATES, SERVICE
from atmr_common.observability.tracing import Tracer
from rl_inference.doors.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from atmr_common.observability.request_metrics import RequestMetrics
    from rl_inference.doors.data_plane import DataPlane
    from rl_inference.doors.exchange import Exchange, Headers

INFER = re.compile(rb"/v2/models/(?P<name>[A-Za-z0-9._-]+)/infer")
INFER_VERSION = re.compile(
    rb"/v2/models/(?P<name>[A-Za-z0-9._-]+)/versions/(?P<version>[A-Za-z0-9_]+)/infer"
)
MOST_KNOWN = 256
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


Found = tuple[HotRoute, Mapping[str, str | None]]
"""A route, and what the path names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HotRoutes:
    """All that the protocol class is told; `admits` sees the headers before any body is read."""

    plane: DataPlane
    routes: tuple[HotRoute, ...]
    admits: Callable[[Headers], bool]
    max_body_bytes: int
    metrics: RequestMetrics
    outbox: Outbox = field(default_factory=Outbox)
    tracer: Tracer = field(default_factory=Tracer)
    _known: dict[bytes, Found] = field(default_factory=dict, init=False, repr=False)

    def find(self, path: bytes) -> Found | None:
        """The route that takes `path`, and what the path names; the last few are remembered."""
        found = self._known.get(path)
        if found is None:
            found = self._matched(path)
            if found is not None:
                if len(self._known) >= MOST_KNOWN:
                    self._known.clear()
                self._known[path] = found
        return found

    def _matched(self, path: bytes) -> Found | None:
        for route in self.routes:
            match = route.path.fullmatch(path)
            if match is not None:
                return route, {name: value.decode() for name, value in match.groupdict().items()}
        return None
