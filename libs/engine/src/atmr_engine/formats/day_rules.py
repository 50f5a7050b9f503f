"""What a booking leaves open, decided in one documented place: windows, service, ride time, stays.

The values are house rules that a company sets, not measurements. All durations are minutes.
"""

from __future__ import annotations

from dataclasses import dataclass

from atmr_engine.formats.day_records import Mobility
from atmr_engine.problem import SameDriver


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRules:
    """Defaults for what a record does not say; what a record says always wins.

    Raises:
        ValueError: naming the field, for a negative duration or a ride factor below one.

    """

    pickup_window_min: float = 30.0
    """Width of the pickup window where only one of its ends is given, and no appointment."""
    will_call_window_min: float = 30.0
    """A will-call leg is picked up at the earliest at its ready forecast, and within this time."""
    early_arrival_min: float = 30.0
    """The drop-off begins at the earliest this long before the appointment, and never after it.

    A pickup window so early that it cannot be kept (the patient would sit in the vehicle beyond
    the ride time) wins: then the drop-off may begin as soon as the patient can be there.
    """
    ambulatory_service_min: float = 3.0
    """Boarding or alighting of a person who walks, at each end."""
    wheelchair_service_min: float = 6.0
    """Loading or unloading and fastening of a wheelchair, at each end."""
    stretcher_service_min: float = 12.0
    """Loading or unloading of a stretcher, at each end."""
    least_max_ride_min: float = 45.0
    """No booking has a shorter default limit of ride time than this."""
    max_ride_over_direct: float = 2.0
    """The default limit of ride time is this many times the direct one, if that is longer."""
    stay_min: float = 10.0
    """The return of a linked pair is picked up at least this long after the outbound's drop-off."""
    same_driver: SameDriver = SameDriver.FREE
    """How strongly a return wants the driver of its outbound leg."""
    stretcher_crew: int = 2
    """Crew that a stretcher needs where the booking does not say."""
    break_margin_min: float = 120.0
    """A break without a window lies this far from both ends of the shift (in a short shift, in
    the middle half of what the break leaves of it)."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, float) and not 0.0 <= value < float("inf"):
                raise ValueError(f"{name} must be finite and not negative, not {value}")
        if self.max_ride_over_direct < 1.0:
            raise ValueError("max_ride_over_direct below one would refuse the direct way")

    def service_min(self, mobility: Mobility) -> float:
        """Minutes of service at one end of a trip."""
        return {
            Mobility.AMBULATORY: self.ambulatory_service_min,
            Mobility.WHEELCHAIR: self.wheelchair_service_min,
            Mobility.STRETCHER: self.stretcher_service_min,
        }[mobility]

    def max_ride_min(self, direct_min: float) -> float:
        """The longest ride in minutes for a trip that takes `direct_min` without a detour."""
        return max(self.least_max_ride_min, self.max_ride_over_direct * direct_min)
