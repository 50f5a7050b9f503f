"""How results were made: the command, the machine, the versions, and what was left out."""

from __future__ import annotations

import os
import platform
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from atmr_engine.bench.peers.peer import PeerSource
    from atmr_engine.bench.run import Run

COMMAND = "python -m atmr_engine.bench"
PROCESSORS = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a user chose of sets, instances, solvers, seconds and seeds; empty is all."""

    sets: tuple[str, ...]
    instances: tuple[str, ...]
    peers: tuple[str, ...]
    budgets_s: tuple[float, ...]
    seeds: int

    @property
    def command(self) -> str:
        """The command that runs the same again, without a folder of this machine."""
        words = [
            *_options("--set", self.sets),
            *_options("--instances", self.instances),
            *_options("--peer", self.peers),
            *_options("--budget", (f"{budget:g}" for budget in self.budgets_s)),
            *_options("--seeds", (str(self.seeds),)),
        ]
        return f"{COMMAND} {shlex.join(words)}"


def _options(name: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (name, value)]


def notes_of(choice: Choice, sources: Sequence[PeerSource], left_out: Sequence[str]) -> list[str]:
    """Sentences for the head of the CSV and of the report; the first is the command."""
    machine = f"{processor()}, {os.cpu_count()} processors seen, one thread used"
    return [
        f"made by: {choice.command}",
        f"on: {datetime.now(UTC):%Y-%m-%d}, {machine}; Python {platform.python_version()}",
        *(f"{source.name}: {source.version}; {source.states}" for source in sources),
        *(f"left out: {sentence}" for sentence in left_out),
    ]


def processor() -> str:
    """What the machine calls its processor."""
    if PROCESSORS.exists():
        for line in PROCESSORS.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def processor_shares(runs: Iterable[Run]) -> dict[str, float]:
    """Processor seconds per second of search, by solver: below 1 it had to wait for others."""
    wall: dict[str, float] = {}
    cpu: dict[str, float] = {}
    for run in runs:
        if run.seconds is not None and run.cpu_s is not None:
            wall[run.peer] = wall.get(run.peer, 0.0) + run.seconds
            cpu[run.peer] = cpu.get(run.peer, 0.0) + run.cpu_s
    return {peer: cpu[peer] / seconds for peer, seconds in wall.items() if seconds > 0}
