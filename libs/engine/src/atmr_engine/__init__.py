"""The dispatch brain: a heterogeneous dial-a-ride optimiser with an independent checker.

`from atmr_engine import Problem, solve` is all that planning a day takes; these are the public
names.
"""

from atmr_engine.beginning import CommitmentError
from atmr_engine.budget import Budget
from atmr_engine.checker import check
from atmr_engine.fairness import fair_shares, with_fairness
from atmr_engine.objective import Cost, evaluate
from atmr_engine.plan import Plan, PlannedStop, Route, StopKind, Unserved
from atmr_engine.problem import (
    Break,
    Capacity,
    Committed,
    DriverKind,
    DrivingBreak,
    Duty,
    Link,
    Load,
    Problem,
    ProblemError,
    Promise,
    Request,
    Reserve,
    SameDriver,
    TimeWindow,
    Travel,
    Visit,
)
from atmr_engine.rule_packs import LABOUR_ACT, OTR_2, RulePack, WorkBreak, pack_for, with_rule_pack
from atmr_engine.rules import Rule, Violation, Waiver
from atmr_engine.solver import PlanRefusedError, Progress, solve
from atmr_engine.travel import latest_departure, travel_time
from atmr_engine.warmup import warmup
from atmr_engine.weights import Weights

__all__ = [
    "LABOUR_ACT",
    "OTR_2",
    "Break",
    "Budget",
    "Capacity",
    "CommitmentError",
    "Committed",
    "Cost",
    "DriverKind",
    "DrivingBreak",
    "Duty",
    "Link",
    "Load",
    "Plan",
    "PlanRefusedError",
    "PlannedStop",
    "Problem",
    "ProblemError",
    "Progress",
    "Promise",
    "Request",
    "Reserve",
    "Route",
    "Rule",
    "RulePack",
    "SameDriver",
    "StopKind",
    "TimeWindow",
    "Travel",
    "Unserved",
    "Violation",
    "Visit",
    "Waiver",
    "Weights",
    "WorkBreak",
    "check",
    "evaluate",
    "fair_shares",
    "latest_departure",
    "pack_for",
    "solve",
    "travel_time",
    "warmup",
    "with_fairness",
    "with_rule_pack",
]
