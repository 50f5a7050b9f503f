"""What generated days are made of: published facts of one operator, and assumptions, kept apart."""

from __future__ import annotations

from dataclasses import dataclass

from atmr_engine.formats.day_records import Mobility


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorFacts:
    """Aggregates of one Geneva operator, 2025 (2,988 bookings of 712 clients; nothing personal).

    Our reading, where the aggregates leave it open: a booking is one leg, a time seen is one
    journey (a round trip counts once), and the booked time of an outbound leg with an appointment
    is the appointment.
    """

    legs_by_weekday: tuple[float, ...] = (11.0, 12.5, 13.0, 14.0, 12.0, 4.0, 4.0)
    """Mean bookings from Monday to Sunday (weekdays 11 to 14, weekend 4; median 12, p95 19)."""
    round_trip_share: float = 0.84
    rides_per_driver: float = 3.8
    """Per driver and day: 3 drivers for 11.5 bookings."""
    stay_quartiles_min: tuple[float, float, float] = (180.0, 280.0, 405.0)
    """Outbound to return: p25, median, p75."""
    trip_median_km: float = 2.4
    trip_p95_km: float = 9.7
    """Straight line from pickup to drop-off."""
    seen_once_share: float = 0.64
    top_tenth_share: float = 0.69
    """Of rides, made by the tenth of clients with most of them."""
    peak_hours: tuple[int, int, int] = (9, 13, 16)
    """With 16, 17 and 15 % of bookings; about 70 % of those are on the full hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What no published aggregate says: assumptions, not measurements; set your own.

    Shares are probabilities between 0 and 1.
    """

    mobility_shares: tuple[tuple[Mobility, float], ...] = (
        (Mobility.AMBULATORY, 0.70),
        (Mobility.WHEELCHAIR, 0.26),
        (Mobility.STRETCHER, 0.04),
    )
    companion_share: float = 0.15
    """Journeys on which one person comes along."""
    oxygen_share: float = 0.05
    stairs_chair_share: float = 0.03
    """Of clients who do not walk; such a transport needs a crew of two."""
    appointment_share: float = 0.8
    """Outbound legs booked by appointment; the others by pickup time."""
    will_call_share: float = 0.08
    """Returns whose time is a forecast only."""
    shortest_stay_min: float = 45.0
    longest_stay_min: float = 600.0
    care_sites_per_100_legs: float = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """Inner settings of the generator, fitted so that its days show the operator's facts.

    The tests of the generator hold each fact against these values.
    """

    standing_share: float = 0.75
    """Of journeys: made under standing orders."""
    attendance: float = 0.9
    """Probability that a standing order's journey takes place."""
    order_weeks: int = 28
    """A standing order runs this long, then another client takes its place."""
    once_share: float = 0.42
    """Of journeys without a standing order: clients who come this once."""
    repeat_clients: float = 150.0
    """Clients who come again without a standing order, per year at the operator's own size."""
    outbound_hours: tuple[tuple[int, float], ...] = (
        (7, 0.05),
        (8, 0.13),
        (9, 0.24),
        (10, 0.09),
        (11, 0.05),
        (12, 0.04),
        (13, 0.29),
        (14, 0.06),
        (15, 0.02),
    )
    one_way_hours: tuple[tuple[int, float], ...] = (
        (9, 0.15),
        (10, 0.15),
        (11, 0.1),
        (13, 0.15),
        (15, 0.1),
        (16, 0.45),
        (17, 0.05),
    )
    off_peak_return: float = 0.3
    """How likely a return outside the peak hours is, against one within them."""
    on_the_hour: float = 0.68
    """Of booked times; the others are on a quarter."""
    latest_return_hour: float = 19.5
    """Nobody is booked home later; long stays begin in the morning."""
