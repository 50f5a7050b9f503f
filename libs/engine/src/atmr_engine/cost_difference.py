"""Costs added up and compared, each term in its own unit."""

from __future__ import annotations

from dataclasses import fields

from atmr_engine.objective import Cost


def cost_sum(*costs: Cost) -> Cost:
    """Term by term, the total included."""
    return Cost(**{f.name: sum(getattr(cost, f.name) for cost in costs) for f in fields(Cost)})


def cost_difference(after: Cost, before: Cost) -> Cost:
    """Term by term, the total included; negative where `after` has less of it."""
    return Cost(**{f.name: getattr(after, f.name) - getattr(before, f.name) for f in fields(Cost)})
