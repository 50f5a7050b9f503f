"""From single runs to figures: the median of the seeds, then the mean over the instances."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from atmr_engine.bench.best_known import BestKnown
from atmr_engine.bench.run import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from atmr_engine.bench.run import Run

References = dict[tuple[str, str], BestKnown]
"""What plans are compared with, by set and instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one solver did with one budget on one part of a set.

    `gap_percent` is the mean over the `compared` of `instances` whose middle run is valid and
    complete (where vehicles come first: with the reference's number of vehicles too);
    `extra_vehicles` is summed over those that are `valid`. None: there was nothing to compare.
    `unserved` is summed over the middle runs; `refused` counts runs that broke a rule,
    `unanswered` those without an answer. `seconds` is the mean time, `longest_s` the longest.
    """

    instances: int
    valid: int
    compared: int
    gap_percent: float | None
    extra_vehicles: int | None
    mean_distance: float | None
    unserved: int
    runs: int
    refused: int
    unanswered: int
    seconds: float | None
    longest_s: float | None
    first_full_plan_s: float | None


def figure(runs: Iterable[Run], references: Mapping[tuple[str, str], BestKnown]) -> Figure:
    """The figure of runs that differ in instance and seed alone."""
    all_runs = list(runs)
    middle = [middle_run(seeds) for seeds in grouped(all_runs, lambda run: run.instance)]
    valid = [run for run in middle if run.verdict is Verdict.VALID]
    extra = [(run, _extra_vehicles(run, references)) for run in valid]
    counted = [vehicles for _, vehicles in extra if vehicles is not None]
    gaps = [_gap_percent(run, references) for run, vehicles in extra if not vehicles]
    compared = [gap for gap in gaps if gap is not None]
    times = [run.seconds for run in all_runs if run.seconds is not None]
    return Figure(
        instances=len(middle),
        valid=len(valid),
        compared=len(compared),
        gap_percent=fmean(compared) if compared else None,
        extra_vehicles=sum(counted) if counted else None,
        mean_distance=fmean(run.distance or 0.0 for run in valid) if valid else None,
        unserved=sum(run.unserved for run in middle),
        runs=len(all_runs),
        refused=_count(all_runs, Verdict.BREACH),
        unanswered=_count(all_runs, Verdict.NO_ANSWER),
        seconds=fmean(times) if times else None,
        longest_s=max(times, default=None),
        first_full_plan_s=_first_full_plan_s(middle),
    )


def middle_run(seeds: Sequence[Run]) -> Run:
    """The median of the seeds by rank; of an even number the worse of the two in the middle.

    A run that is refused or incomplete is worse than all others, so half of them bad is bad.
    """
    return sorted(seeds, key=lambda run: run.rank)[len(seeds) // 2]


def references_of(runs: Iterable[Run]) -> References:
    """What to compare with: best-known values, else the best valid plan among `runs`."""
    references: References = {}
    for seeds in grouped(runs, lambda run: (run.set_name, run.instance)):
        first = seeds[0]
        valid = [run for run in seeds if run.verdict is Verdict.VALID]
        if first.best_distance is not None:
            reference = BestKnown(vehicles=first.best_vehicles or 0, distance=first.best_distance)
        elif valid:
            best = min(valid, key=lambda run: run.rank)
            reference = BestKnown(vehicles=best.vehicles or 0, distance=best.distance or 0.0)
        else:
            continue
        references[first.set_name, first.instance] = reference
    return references


def grouped(runs: Iterable[Run], key: Callable[[Run], object]) -> list[list[Run]]:
    """The runs with one key together, in order of first appearance."""
    groups: dict[object, list[Run]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return list(groups.values())


def _extra_vehicles(run: Run, references: Mapping[tuple[str, str], BestKnown]) -> int | None:
    """Vehicles above the reference; None where they do not count or there is none."""
    reference = references.get((run.set_name, run.instance))
    if reference is None or run.vehicles is None or not run.vehicles_first:
        return None
    return run.vehicles - reference.vehicles


def _gap_percent(run: Run, references: Mapping[tuple[str, str], BestKnown]) -> float | None:
    reference = references.get((run.set_name, run.instance))
    if reference is None or run.distance is None or reference.distance <= 0:
        return None
    return 100.0 * (run.distance / reference.distance - 1.0)


def _count(runs: Iterable[Run], verdict: Verdict) -> int:
    return sum(run.verdict is verdict for run in runs)


def _first_full_plan_s(runs: Iterable[Run]) -> float | None:
    """The longest of the instances: all had a full plan by then."""
    told = [run.first_full_plan_s for run in runs if run.first_full_plan_s is not None]
    return max(told, default=None)
