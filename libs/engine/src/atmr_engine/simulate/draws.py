"""Every random draw of an executed day, each with a key of its own (common random numbers).

The key is (seed, day, purpose, request or leg or hour or duty), so two policies meet the same
noise in whatever order they ask for it, and a decision changes no draw but those it makes moot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from atmr_engine.simulate.noise import HOUR
from atmr_engine.simulate.random_streams import Purpose, stream, subject_of

if TYPE_CHECKING:
    import numpy as np

    from atmr_engine.simulate.noise import Noise

PLACES = 2**32
"""More places than a matrix can have: a leg's key is origin * PLACES + destination."""
HOURS_BEFORE = 2**16
"""Hours are counted from this long before the origin, so that no key is negative."""
EARLY_SPAN_S = 6 * HOUR


@dataclass(frozen=True, slots=True)
class Draws:
    """The draws of one day under one seed; asking twice gives the same answer twice."""

    noise: Noise
    seed: int
    day: int = 0

    def leg_factor(self, origin: int, destination: int) -> float:
        """How many times as long the leg takes as the matrix says, traffic apart."""
        random = self._stream(Purpose.LEG, origin * PLACES + destination)
        return lognormal(random, self.noise.leg_sigma)

    def hour_factor(self, hour: int) -> float:
        """The traffic of an hour since the origin: how many times as long all legs take."""
        return lognormal(self._stream(Purpose.HOUR, HOURS_BEFORE + hour), self.noise.hour_sigma)

    def boarding_factor(self, request: str) -> float:
        """How many times as long boarding takes as planned."""
        return lognormal(self._of(Purpose.BOARDING, request), self.noise.service_sigma)

    def alighting_factor(self, request: str) -> float:
        """How many times as long alighting takes as planned."""
        return lognormal(self._of(Purpose.ALIGHTING, request), self.noise.service_sigma)

    def shows_up(self, request: str) -> bool:
        """Whether the patient is there when the vehicle is."""
        return float(self._of(Purpose.SHOWING_UP, request).random()) >= self.noise.no_shows

    def cancellation_notice_s(self, request: str) -> float | None:
        """How long before the pickup the request is called off; None: it is not."""
        random = self._of(Purpose.CANCELLATION, request)
        kind, spread = float(random.random()), float(random.random())
        if kind < self.noise.late_cancellations:
            return spread * self.noise.late_notice_s
        if kind < self.noise.late_cancellations + self.noise.early_cancellations:
            return self.noise.late_notice_s + spread * EARLY_SPAN_S
        return None

    def readiness_delay_s(self, request: str) -> float:
        """How long after its forecast a will-call patient is ready (before it: negative)."""
        random = self._of(Purpose.READINESS, request)
        return self.noise.readiness_sd_s * float(random.standard_normal())

    def booking_notice_s(self, journey: str) -> float | None:
        """How long before its pickup a journey is booked on the day; None: it was before."""
        random = self._of(Purpose.BOOKING, journey)
        if float(random.random()) >= self.noise.same_day_bookings:
            return None
        spread = self.noise.most_notice_s - self.noise.least_notice_s
        return self.noise.least_notice_s + spread * float(random.random())

    def breakdown_share(self, duty: str) -> float | None:
        """The share of its shift after which a duty's vehicle breaks down; None: it does not."""
        random = self._of(Purpose.BREAKDOWN, duty)
        breaks_down = float(random.random()) < self.noise.breakdowns
        return float(random.random()) if breaks_down else None

    def incident(self) -> tuple[float, float] | None:
        """Which of the places (a share of their number) and when (a share of the day)."""
        random = self._stream(Purpose.INCIDENT, 0)
        happens = float(random.random()) < self.noise.incidents
        return (float(random.random()), float(random.random())) if happens else None

    def _of(self, purpose: Purpose, name: str) -> np.random.Generator:
        return self._stream(purpose, subject_of(name))

    def _stream(self, purpose: Purpose, subject: int) -> np.random.Generator:
        return stream(self.seed, purpose, subject, self.day)


def lognormal(random: np.random.Generator, sigma: float) -> float:
    """A factor of mean 1 whose logarithm has the standard deviation `sigma`."""
    return math.exp(sigma * float(random.standard_normal()) - sigma**2 / 2)
