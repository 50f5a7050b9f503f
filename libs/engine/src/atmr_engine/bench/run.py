"""One search of one solver on one instance, as the table of results keeps it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atmr_engine.bench.cases import Case
    from atmr_engine.bench.judging import Judgement
    from atmr_engine.bench.peer_process import Answer
    from atmr_engine.bench.peers.peer import PeerSource
    from atmr_engine.problem import Problem


class Verdict(StrEnum):
    """What the independent checker made of a run; only a valid one has a figure."""

    VALID = "valid"
    INCOMPLETE = "incomplete"
    BREACH = "breach"
    NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A row of the CSV.

    `seconds` is wall time inside the search, `cpu_s` the processor time of its process meanwhile
    (more than `seconds`: more than one thread). `distance` is in the instance's units; it and
    `vehicles` are None where the plan breaks a rule (`message` names the first) or there is none.
    `best_vehicles` and `best_distance` are the best-known values; `best_vehicles` only where
    vehicles come before distance. `first_full_plan_s` is told by our engine only.
    """

    set_name: str
    part: str
    instance: str
    requests: int
    duties: int
    peer: str
    version: str
    budget_s: float
    seed: int
    verdict: Verdict
    seconds: float | None
    cpu_s: float | None
    unserved: int
    violations: int
    vehicles: int | None
    distance: float | None
    best_vehicles: int | None
    best_distance: float | None
    first_full_plan_s: float | None
    vehicles_first: bool
    message: str = ""

    @property
    def rank(self) -> tuple[int, int, int, float]:
        """Sorts runs of one instance: valid, complete, fewest vehicles where they count, short."""
        worth = list(Verdict).index(self.verdict)
        vehicles = (self.vehicles or 0) if self.vehicles_first else 0
        return worth, self.unserved, vehicles, self.distance or 0.0


COLUMNS = tuple(field.name for field in fields(Run))


def judged(
    case: Case,
    problem: Problem,
    source: PeerSource,
    asked: tuple[float, int],
    answer: Answer,
    judgement: Judgement | None,
) -> Run:
    """The row for an answer; `asked` is budget and seed, no judgement means no answer."""
    vehicles_first = problem.weights.duties_used > 0
    best = case.best
    return Run(
        set_name=case.set_name,
        part=case.part.value,
        instance=case.name,
        requests=len(problem.requests),
        duties=len(problem.duties),
        peer=source.name,
        version=source.version,
        budget_s=asked[0],
        seed=asked[1],
        verdict=_verdict(judgement),
        seconds=answer.seconds,
        cpu_s=answer.cpu_s,
        unserved=len(problem.requests) if judgement is None else judgement.unserved,
        violations=0 if judgement is None else len(judgement.violations),
        vehicles=None if judgement is None else judgement.vehicles,
        distance=None if judgement is None else judgement.distance,
        best_vehicles=best.vehicles if best is not None and vehicles_first else None,
        best_distance=None if best is None else best.distance,
        first_full_plan_s=answer.first_full_plan_s,
        vehicles_first=vehicles_first,
        message=_message(answer, judgement),
    )


def _verdict(judgement: Judgement | None) -> Verdict:
    if judgement is None:
        return Verdict.NO_ANSWER
    if judgement.violations:
        return Verdict.BREACH
    return Verdict.INCOMPLETE if judgement.unserved else Verdict.VALID


def _message(answer: Answer, judgement: Judgement | None) -> str:
    if answer.error:
        return answer.error
    if judgement is None or not judgement.violations:
        return ""
    first = judgement.violations[0]
    return f"{first.rule} {first.subject}: {first.message}"
