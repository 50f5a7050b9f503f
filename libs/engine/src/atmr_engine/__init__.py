"""The dispatch brain: a heterogeneous dial-a-ride optimiser with an independent checker.

`from atmr_engine import Problem, solve` is all that planning a day takes; these are the public
names.
"""

from atmr_engine.beginning import CommitmentError
from atmr_engine.budget import Budget
from atmr_engine.checker import check
from atmr_engine.objective import Cost, Weights, evaluate
from atmr_engine.plan import Plan, PlannedStop, Route, StopKind, Unserved
from atmr_engine.problem import (
    Break,
    Capacity,
    Committed,
    DriverKind,
    Duty,
    Link,
    Load,
    Problem,
    ProblemError,
    Request,
    SameDriver,
    TimeWindow,
    Travel,
    Visit,
)
from atmr_engine.rules import Rule, Violation, Waiver
from atmr_engine.solver import PlanRefusedError, Progress, solve
from atmr_engine.warmup import warmup

__all__ = [
    "Break",
    "Budget",
    "Capacity",
    "CommitmentError",
    "Committed",
    "Cost",
    "DriverKind",
    "Duty",
    "Link",
    "Load",
    "Plan",
    "PlanRefusedError",
    "PlannedStop",
    "Problem",
    "ProblemError",
    "Progress",
    "Request",
    "Route",
    "Rule",
    "SameDriver",
    "StopKind",
    "TimeWindow",
    "Travel",
    "Unserved",
    "Violation",
    "Visit",
    "Waiver",
    "Weights",
    "check",
    "evaluate",
    "solve",
    "warmup",
]
