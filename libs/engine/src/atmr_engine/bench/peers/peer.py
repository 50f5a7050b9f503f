"""What a solver must do to be compared, and which solvers there are.

A solver is stated outside the clock and searches inside it. Adding one is a module with a class
of this protocol and an entry in `SOURCES`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from atmr_engine.bench.judging import Routes

if TYPE_CHECKING:
    from atmr_engine.formats.benchmark import Instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The routes of one search; `first_full_plan_s` where the solver says when it had one."""

    routes: Routes
    first_full_plan_s: float | None = None


class Search(Protocol):
    """A solver with the problem stated to it."""

    def __call__(self, seconds: float, seed: int) -> Found:
        """Search for at most `seconds` on one thread. Called once."""


class Peer(Protocol):
    """A solver, compiled and ready."""

    def state(self, instance: Instance) -> Search:
        """State the problem in the solver's own terms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerSource:
    """Where a solver comes from.

    `factory` is `module:class`, `package` what is installed (None: ours) and `imports` the name
    that it is imported by. A solver that does not `vary` gives one plan whatever the seed, and is
    run with one seed. `states` says how it is told of ride times.
    """

    name: str
    factory: str
    states: str
    varies: bool
    package: str | None = None
    imports: str = "atmr_engine"

    @property
    def installed(self) -> bool:
        """Whether the solver can be imported here."""
        return importlib.util.find_spec(self.imports) is not None

    @property
    def version(self) -> str:
        """The version of the distribution."""
        return importlib.metadata.version(self.package or "atmr-engine")

    def load(self) -> Peer:
        """Import the solver and make it ready; ours is compiled by this."""
        module, _, factory = self.factory.partition(":")
        peer: Peer = getattr(importlib.import_module(module), factory)()
        return peer


NARROWED = "ride times by windows narrowed so that every schedule keeps them"
SOURCES = (
    PeerSource(
        name="ours",
        factory="atmr_engine.bench.peers.ours:Ours",
        states="exact",
        varies=True,
    ),
    PeerSource(
        name="ortools",
        factory="atmr_engine.bench.peers.or_tools:Default",
        states="exact; parallel cheapest insertion, guided local search",
        varies=False,
        package="ortools",
        imports="ortools",
    ),
    PeerSource(
        name="ortools-tuned",
        factory="atmr_engine.bench.peers.or_tools:Tuned",
        states="exact; with six insertion neighbourhoods and simulated annealing",
        varies=False,
        package="ortools",
        imports="ortools",
    ),
    PeerSource(
        name="pyvrp",
        factory="atmr_engine.bench.peers.pyvrp_shipments:PyVrp",
        states=NARROWED,
        varies=True,
        package="pyvrp",
        imports="pyvrp",
    ),
    PeerSource(
        name="vroom",
        factory="atmr_engine.bench.peers.vroom_shipments:Vroom",
        states=f"{NARROWED}; it cannot state a maximum route duration",
        varies=False,
        package="pyvroom",
        imports="vroom",
    ),
    PeerSource(
        name="vrp-cli",
        factory="atmr_engine.bench.peers.vrp_pragmatic:VrpPragmatic",
        states=f"{NARROWED}; it takes whole seconds of time",
        varies=True,
        package="vrp-cli",
        imports="vrp_cli",
    ),
)
