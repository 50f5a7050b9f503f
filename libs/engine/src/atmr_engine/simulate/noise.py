"""How far an executed day strays from its plan: assumptions, to be replaced by a company's own fit.

Every lognormal factor here has mean 1 (mu = -sigma^2 / 2): noise spreads times, it does not stretch
them. Incidents and breakdowns come on top and do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from statistics import NormalDist

MINUTE = 60.0
HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What is uncertain about a day; shares are probabilities, times are seconds.

    Raises:
        ValueError: naming the field, for a share beyond 1, a factor below 1, or anything negative.

    """

    leg_sigma: float = 0.15
    """Of the logarithm of a leg's driving time: a leg has one factor all day."""
    hour_sigma: float = 0.10
    """Of the logarithm of the traffic factor that all legs of an hour of the day have in common."""
    service_sigma: float = 0.35
    """Of the logarithm of boarding and of alighting; cleaning takes as long as it is planned."""
    no_shows: float = 0.03
    """Share of requests whose patient is not there; the return of such a leg is not needed."""
    late_cancellations: float = 0.07
    """Share of requests called off within `late_notice_s` before the pickup, evenly spread."""
    late_notice_s: float = 2 * HOUR
    """A cancellation nearer to the pickup than this is a late one."""
    early_cancellations: float = 0.0
    """Share of requests called off on the day, but up to six hours before they are late ones."""
    readiness_sd_s: float = 20 * MINUTE
    """Of a will-call patient's ready time around its forecast (normal)."""
    same_day_bookings: float = 0.0
    """Share of journeys that are booked on the day itself, their return leg along with them."""
    least_notice_s: float = 1 * HOUR
    """A booking of the day comes at least this long before its pickup can be."""
    most_notice_s: float = 4 * HOUR
    """And at most this long before."""
    incidents: float = 0.5
    """Probability that a corridor is blocked at some time of the day."""
    incident_factor: float = 1.8
    """How many times as long a leg through that corridor takes while it is."""
    incident_s: float = 60 * MINUTE
    """How long it is."""
    incident_reach: float = 0.15
    """A leg leads through the corridor where a way over its place is at most this much longer."""
    breakdowns: float = 1 / 200
    """Probability that a duty's vehicle breaks down, at any moment of its shift alike."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not 0.0 <= value < math.inf:
                raise ValueError(f"{item.name} must be finite and not negative, not {value}")
        for name in _SHARES:
            if getattr(self, name) > 1.0:
                raise ValueError(f"{name} is a probability, not {getattr(self, name)}")
        if self.late_cancellations + self.early_cancellations > 1.0:
            raise ValueError("late_cancellations and early_cancellations exceed all requests")
        if self.incident_factor < 1.0:
            raise ValueError(f"incident_factor must not be below 1: {self.incident_factor}")
        if self.most_notice_s < self.least_notice_s:
            raise ValueError("most_notice_s must not be below least_notice_s")

    @classmethod
    def none(cls) -> Noise:
        """A day on which everything goes as planned."""
        return cls(
            leg_sigma=0.0,
            hour_sigma=0.0,
            service_sigma=0.0,
            no_shows=0.0,
            late_cancellations=0.0,
            readiness_sd_s=0.0,
            incidents=0.0,
            breakdowns=0.0,
        )

    def travel_quantile(self, probability: float) -> float:
        """The factor that a leg's driving time stays below with that probability.

        Incidents are not in it: no planning time covers those.
        """
        sigma = math.hypot(self.leg_sigma, self.hour_sigma)
        return math.exp(sigma * NormalDist().inv_cdf(probability) - sigma**2 / 2)


_SHARES = (
    "no_shows",
    "late_cancellations",
    "early_cancellations",
    "same_day_bookings",
    "incidents",
    "breakdowns",
)
