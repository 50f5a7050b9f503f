"""The judge: slow, obvious, written from the definition and independent of the search.

Every plan is judged by its own timetable, stop by stop; what `check` refuses is not committed.
"""

from atmr_engine.checker.case import TOLERANCE_S
from atmr_engine.checker.difference_constraints import feasible_times
from atmr_engine.checker.plan_rules import check

__all__ = ["TOLERANCE_S", "check", "feasible_times"]
