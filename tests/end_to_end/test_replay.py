"""The same CSV, seed and iterations give the same plan on another machine.

The other machine is this one without its vector instructions: numpy's sines differ there in the
last bit. (`NUMBA_CPU_NAME=generic atmr plan ...` does the same to the search, in a minute.)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ATMR = Path(sys.executable).with_name("atmr")
PLAIN = {"NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX2 FMA3"}


def run(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> str:
    return subprocess.run(
        [str(ATMR), *arguments],
        cwd=folder,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay")
    run(folder, "example", ".", "--bookings", "60", "--duties", "8", "--seed", "3")
    return folder


def plan(folder: Path, seed: int, environment: dict[str, str] | None = None) -> dict[str, Any]:
    files = ("SYNTHETIC-bookings.csv", "--vehicles", "SYNTHETIC-duties.csv")
    budget = ("--zone", "Europe/Zurich", "--iterations", "150", "--seed", str(seed))
    answer: dict[str, Any] = json.loads(
        run(folder, "plan", *files, *budget, "--json", environment=environment)
    )
    del answer["seconds"]
    return answer


def test_a_plan_is_the_same_on_another_machine(folder: Path) -> None:
    here = plan(folder, seed=7)
    assert here["routes"]
    assert plan(folder, seed=7, environment=PLAIN) == here


def test_another_seed_is_another_search(folder: Path) -> None:
    assert plan(folder, seed=8)["routes"] != plan(folder, seed=7)["routes"]


def test_the_example_is_the_same_on_another_machine(folder: Path, tmp_path: Path) -> None:
    options = ("--bookings", "60", "--duties", "8", "--seed", "3")
    run(tmp_path, "example", ".", *options, environment=PLAIN)
    for name in ("SYNTHETIC-bookings.csv", "SYNTHETIC-duties.csv"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
