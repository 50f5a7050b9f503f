"""Plans better than the best known are kept with their routes, so that anybody can check them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from atmr_engine.bench.run import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from atmr_engine.bench.run import Run
    from atmr_engine.bench.running import Done

ROUNDING = 0.005
"""Best-known values have two decimals."""


def is_new_best(run: Run) -> bool:
    """Whether a valid plan has fewer vehicles, where they come first, or as many and is shorter."""
    if run.verdict is not Verdict.VALID or run.best_distance is None or run.distance is None:
        return False
    shorter = run.distance < run.best_distance - ROUNDING
    if run.best_vehicles is None or run.vehicles is None:
        return shorter
    return run.vehicles < run.best_vehicles or (run.vehicles == run.best_vehicles and shorter)


class NewBests:
    """The best of the new best plans of each instance, as files that `atmr-engine check` reads."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._runs: dict[str, Run] = {}

    def note(self, done: Done) -> None:
        """Write the plan as OUT-INSTANCE.json if none so far is as good."""
        run = done.run
        known = self._runs.get(run.instance)
        if not is_new_best(run) or (known is not None and known.rank <= run.rank):
            return
        self._runs[run.instance] = run
        routes = [{"nodes": nodes} for nodes in done.routes or [] if nodes]
        document = {"routes": routes, "vehicles": run.vehicles, "distance": run.distance}
        self._file(run).write_text(json.dumps(document) + "\n", encoding="utf-8")

    def sentences(self) -> list[str]:
        """What was found, for the report."""
        return [
            f"new best: {run.instance}, {run.vehicles} vehicles, {run.distance:.2f} (best known "
            f"{run.best_distance:.2f}) by {run.peer}, seed {run.seed}: {self._file(run).name}"
            for run in self._runs.values()
        ]

    def _file(self, run: Run) -> Path:
        return self._out.with_name(f"{self._out.name}-{run.instance}.json")
