"""A tiny instance, and runs made by hand, for the tests of the engine's benchmark."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from atmr_engine.bench.run import Run, Verdict

TINY = """\
2 2 480 3 30
0 0 0 0 0 0 480
1 3 4 3 1 60 75
2 6 8 2 2 0 1440
3 9 12 3 -1 0 1440
4 0 5 3 -2 100 115
5 0 0 0 0 0 480
"""
"""Two vehicles, two requests: 1 to 3 and 2 to 4. Each by itself drives 30 and 21.708."""
APART = 51.7082
BEST = "instance,vehicles,objective_best\na2-2,2,{best}\n"

PLAIN = Run(
    set_name="a",
    part="tuning",
    instance="a2-2",
    requests=2,
    duties=2,
    peer="ours",
    version="1.0",
    budget_s=1.0,
    seed=0,
    verdict=Verdict.VALID,
    seconds=1.0,
    cpu_s=1.0,
    unserved=0,
    violations=0,
    vehicles=2,
    distance=110.0,
    best_vehicles=None,
    best_distance=100.0,
    first_full_plan_s=None,
    vehicles_first=False,
)


def made_run(**changes: Any) -> Run:
    """The plain run, 10 % above the best known, with changes."""
    return replace(PLAIN, **changes)


def refused_run(**changes: Any) -> Run:
    """A run whose plan the checker refused."""
    refused = {"verdict": Verdict.BREACH, "distance": None, "vehicles": None, "violations": 1}
    return made_run(**{**refused, "message": "window 1: too late", **changes})


def write_tiny(folder: Path, name: str = "a2-2.txt", text: str = TINY) -> Path:
    """The tiny instance as a file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
