"""The benchmark sets: which files belong to one, who reads them, which part we tune on.

Files are found by name anywhere below the data folder, so that a folder of other layout works.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from atmr_engine.formats.benchmark import Instance

SUFFIXES = frozenset({"", ".txt", ".dat"})
CORDEAU = "atmr_engine.formats.cordeau:read_cordeau"
LILIM = "atmr_engine.formats.lilim:read_lilim"
SARTORI = "atmr_engine.formats.sartori:read_sartori"


class Part(StrEnum):
    """Whether an instance was looked at while the engine was tuned."""

    TUNING = "tuning"
    HELD_OUT = "held out"


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkSet:
    """A family of instances; `names` and `tuning` match an instance's whole name in lower case.

    `reader` is `module:function`, so that a format that is not there is only missed when used.
    """

    name: str
    title: str
    names: str
    reader: str
    tuning: str | None = None

    def part(self, instance: str) -> Part:
        """Where an instance of the set belongs."""
        tuned = self.tuning is not None and re.fullmatch(self.tuning, instance.lower())
        return Part.TUNING if tuned else Part.HELD_OUT


def _lilim(size: int) -> BenchmarkSet:
    hundreds = size // 100
    return BenchmarkSet(
        name=f"lilim-{size}",
        title=f"Li and Lim 2003, {size} visits, vehicles first",
        names=r"l(c|r|rc)[12]\d\d" if size == 100 else rf"l(c|r|rc)[12]_{hundreds}_\d+",  # noqa: PLR2004 (the smallest size has its own manner of names)
        reader=LILIM,
        tuning=r"l[cr]1\d\d" if size == 100 else None,  # noqa: PLR2004 (as above)
    )


def _sartori(size: int) -> BenchmarkSet:
    return BenchmarkSet(
        name=f"sartori-{size}",
        title=f"Sartori and Buriol 2020, real roads, n{size}, vehicles first",
        names=rf"(bar|ber|nyc|poa)-n{size}-\d+",
        reader=SARTORI,
    )


SETS = (
    BenchmarkSet(
        name="a",
        title="Cordeau 2006, set a",
        names=r"a\d+-\d+",
        reader=CORDEAU,
        tuning=r"a[2-5]-\d+",
    ),
    BenchmarkSet(
        name="b", title="Ropke, Cordeau and Laporte 2007, set b", names=r"b\d+-\d+", reader=CORDEAU
    ),
    BenchmarkSet(
        name="pr",
        title="Cordeau and Laporte 2003, pr01 to pr20",
        names=r"pr\d\d",
        reader=CORDEAU,
        tuning=r"pr0[1-5]",
    ),
    BenchmarkSet(
        name="synthetic",
        title="synthetic days in the manner of set a",
        names=r"s\d+-\d+.*",
        reader=CORDEAU,
    ),
    *(_lilim(size) for size in (100, 200, 400, 600, 800, 1000)),
    *(_sartori(size) for size in (100, 200, 400, 600, 800, 1000)),
)


def find_files(folder: Path, benchmark_set: BenchmarkSet) -> list[Path]:
    """The files of a set below `folder`, smallest instance first; folders of solutions are left."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*"), key=lambda path: (len(path.parts), path)):
        name = path.stem.lower()
        if (
            path.suffix in SUFFIXES
            and re.fullmatch(benchmark_set.names, name)
            and not any(part.startswith("solution") for part in path.relative_to(folder).parts)
            and path.is_file()
        ):
            found.setdefault(name, path)
    return sorted(found.values(), key=lambda path: natural(path.stem))


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts a10 behind a2."""
    return [(int(word), "") if word.isdigit() else (0, word) for word in re.split(r"(\d+)", name)]


def reader_exists(reader: str) -> bool:
    """Whether the format's module is there."""
    return importlib.util.find_spec(reader.partition(":")[0]) is not None


def load_reader(reader: str) -> Callable[[Path], Instance]:
    """The function that reads a file of the set."""
    module, _, function = reader.partition(":")
    loaded: Callable[[Path], Instance] = getattr(importlib.import_module(module), function)
    return loaded


def chosen_sets(names: Iterable[str]) -> list[BenchmarkSet]:
    """The sets of these names or beginnings (`lilim` is all sizes); none given: all of them.

    Raises:
        KeyError: with a name that no set has.

    """
    wanted = list(names)
    if not wanted:
        return list(SETS)
    for name in wanted:
        if not any(_named(benchmark_set, name) for benchmark_set in SETS):
            raise KeyError(name)
    return [entry for entry in SETS if any(_named(entry, name) for name in wanted)]


def _named(benchmark_set: BenchmarkSet, name: str) -> bool:
    return benchmark_set.name == name or benchmark_set.name.startswith(f"{name}-")
