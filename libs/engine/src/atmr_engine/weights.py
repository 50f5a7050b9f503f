"""What a unit of each term of the objective is worth: one field per term, each with its unit."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What a unit of each term is worth, in equivalent minutes of an operational day.

    Each field weighs the field of the same name in `Cost`. For a benchmark the currency is the
    instance's own unit of distance instead.

    Raises:
        ValueError: naming the weight that is negative or not finite.

    """

    unserved: float = 10_000.0
    """Per request left unserved: more than any detour of a day, so serving always pays."""
    unserved_priority: float = 1_000.0
    """Per step of priority of an unserved request: the less urgent one is left out first."""
    lateness_min: float = 10.0
    """Per minute that service or a break begins after its window closed (a waiver allows it)."""
    overtime_min: float = 5.0
    """Per minute that a duty returns after its shift's end (only a waiver allows any)."""
    detour_min: float = 0.5
    """Per minute that a patient rides beyond the direct way."""
    distance_km: float = 1.0
    """Per kilometre driven, loaded or empty."""
    waiting_min: float = 0.1
    """Per minute that a vehicle stands at a stop before service or a break begins there."""
    working_min: float = 0.5
    """Per minute between a duty's departure and its return."""
    duties_used: float = 0.0
    """Per duty that serves anybody; a positive one empties vehicles."""
    emergency_duties: float = 120.0
    """Per duty of an emergency driver that serves anybody: regular drivers go first."""
    driver_changes: float = 10.0
    """Per linked leg that prefers the driver of the leg before it and gets another."""
    fairness_h2: float = 0.0
    """Per squared hour by which a duty's week, today included, misses its fair share."""
    reassigned: float = 5.0
    """Per served request on another duty than the published plan's."""
    promise_min: float = 2.0
    """Per minute by which a pickup misses the time that was told by more than its slack."""
    unfamiliar_drivers: float = 3.0
    """Per served request that has familiar drivers and gets another."""
    tightness_min: float = 0.0
    """Per minute that a stop comes nearer to its window's end than the problem's buffer."""
    unreserved: float = 200.0
    """Per reserve for which no duty is kept free."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not 0.0 <= value < float("inf"):
                raise ValueError(f"weights.{item.name} must be finite and not negative: {value}")

    @classmethod
    def distance_only(cls) -> Weights:
        """Distance alone, once all are served: the objective of Cordeau's instances."""
        nothing = {item.name: 0.0 for item in fields(cls)}
        return cls(**{**nothing, "unserved": 100_000.0, "distance_km": 1.0})

    @classmethod
    def vehicles_first(cls) -> Weights:
        """Fewest vehicles, then distance, once all are served: the objective of Li and Lim."""
        distance = {item.name: getattr(cls.distance_only(), item.name) for item in fields(cls)}
        return cls(**{**distance, "unserved": 10_000_000.0, "duties_used": 100_000.0})
