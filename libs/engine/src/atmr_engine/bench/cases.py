"""What is to be run: the instances found and chosen, and by name what is absent."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from atmr_engine.bench.sets import Part, find_files, load_reader, reader_exists

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from atmr_engine.bench.best_known import BestKnown
    from atmr_engine.bench.sets import BenchmarkSet
    from atmr_engine.formats.benchmark import Instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An instance of a set, not yet read; `best` None: nobody has published a value."""

    set_name: str
    name: str
    part: Part
    path: Path
    reader: str
    best: BestKnown | None

    def read(self) -> Instance:
        """Read the file.

        Raises:
            InstanceError: naming file, line and remedy.

        """
        return load_reader(self.reader)(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The cases of a run, and a sentence for each set that is left out."""

    cases: tuple[Case, ...]
    left_out: tuple[str, ...]


def choose(
    folder: Path,
    sets: Iterable[BenchmarkSet],
    patterns: Sequence[str],
    best: Mapping[str, BestKnown],
) -> Chosen:
    """The instances of `sets` below `folder` whose names match one of `patterns` (none: all)."""
    cases: list[Case] = []
    left_out: list[str] = []
    for entry in sets:
        paths = find_files(folder, entry)
        if not paths:
            left_out.append(f"set {entry.name} ({entry.title}) is absent from the data folder")
        elif not reader_exists(entry.reader):
            left_out.append(f"set {entry.name} ({entry.title}): {entry.reader} does not exist yet")
        else:
            cases += [_case(entry, path, best) for path in paths if _matches(path.stem, patterns)]
    return Chosen(cases=tuple(cases), left_out=tuple(left_out))


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch(name.lower(), pattern.lower()) for pattern in patterns)


def _case(entry: BenchmarkSet, path: Path, best: Mapping[str, BestKnown]) -> Case:
    return Case(
        set_name=entry.name,
        name=path.stem,
        part=entry.part(path.stem),
        path=path,
        reader=entry.reader,
        best=best.get(path.stem.lower()),
    )
