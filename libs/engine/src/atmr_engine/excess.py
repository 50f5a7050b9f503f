"""How far the service rules are waived, and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atmr_engine.problem import Problem
    from atmr_engine.rules import Rule


class Excess:
    """How far each subject's service rules are waived, in seconds (0 where they are not)."""

    def __init__(self, problem: Problem) -> None:
        self.by_subject: dict[tuple[Rule, str], float] = {}
        for waiver in problem.waivers:
            key = (waiver.rule, waiver.subject)
            self.by_subject[key] = max(self.by_subject.get(key, 0.0), waiver.excess_s)

    def of(self, rule: Rule, subject: str) -> float:
        return self.by_subject.get((rule, subject), 0.0)
