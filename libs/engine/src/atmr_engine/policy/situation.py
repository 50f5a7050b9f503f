"""One decision as numbers with units: the choices, and the state of the day around them.

The order of the fields is the order of the columns, and a part of the codec's version. What is not
known is 0 with its `..._known` at 0, never a guess. Neither the number of drivers nor the number of
bookings is fixed anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from atmr_engine.policy.features import feature

MINUTES, HOURS, KM, COUNT, SHARE, YES, COST = 60.0, 8.0, 20.0, 8.0, 1.0, 1.0, 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One choice for an open booking or an idle driver; 40 columns.

    `allowed` is the mask and no column: a choice that the engine forbids is still described.
    Minutes, kilometres and costs that are added are the differences to the plan without it.
    """

    allowed: bool = True

    is_insertion: float = feature(YES, "a duty takes the booking")
    is_wait: float = feature(YES, "nothing is decided yet")
    is_outsourcing: float = feature(YES, "the booking is left to others")
    is_stay: float = feature(YES, "the idle driver stays")
    is_move: float = feature(YES, "the idle driver goes to a hub")

    added_driving_min: float = feature(MINUTES, "driving added to the duty")
    added_distance_km: float = feature(KM, "distance added to the duty")
    added_working_min: float = feature(MINUTES, "working time added to the duty")
    added_waiting_min: float = feature(MINUTES, "waiting at stops added to the duty")
    added_ride_min: float = feature(MINUTES, "ride time added to passengers already planned")
    added_lateness_min: float = feature(MINUTES, "lateness added to passengers already planned")
    added_cost: float = feature(COST, "the objective's difference")
    cost_over_best: float = feature(COST, "the same, less that of the cheapest allowed candidate")

    pickup_after_open_min: float = feature(MINUTES, "pickup after its window opens")
    pickup_before_close_min: float = feature(MINUTES, "pickup before its window closes")
    dropoff_before_due_min: float = feature(MINUTES, "drop-off before its window closes")
    ride_min: float = feature(MINUTES, "the booking's own ride")
    ride_over_direct_min: float = feature(MINUTES, "the same, less the direct way")
    ride_left_min: float = feature(MINUTES, "below the longest ride allowed")
    slack_left_min: float = feature(MINUTES, "the least slack of the duty's stops afterwards")
    slack_used_min: float = feature(MINUTES, "the same, less than before")
    moved_passengers: float = feature(COUNT, "passengers whose times change")
    moved_told_min: float = feature(MINUTES, "the sum by which told times change")

    empty_before_km: float = feature(KM, "empty to the pickup")
    empty_after_km: float = feature(KM, "empty from the drop-off to what follows")
    end_from_base_km: float = feature(KM, "the duty's last stop, from where its shift ends")
    end_value: float = feature(COST, "the value of being there, by the learned table")
    end_value_known: float = feature(YES, "whether that table is there")

    worked_h: float = feature(HOURS, "the duty's working time so far")
    left_h: float = feature(HOURS, "until its shift ends")
    overtime_min: float = feature(MINUTES, "past the end of its shift afterwards")
    over_fleet_mean_h: float = feature(HOURS, "planned work above the fleet's mean afterwards")
    planned_trips: float = feature(COUNT, "trips of the duty without this one")
    is_first_trip: float = feature(YES, "the duty drives nothing without it")
    is_emergency_driver: float = feature(YES, "the driver is one for emergencies")
    spare_seats: float = feature(COUNT, "seats free at the fullest moment of the ride")
    spare_wheelchairs: float = feature(COUNT, "wheelchair places free at that moment")
    familiarity: float = feature(SHARE, "share of the patient's rides that the driver drove")
    late_probability: float = feature(SHARE, "calibrated probability of a late drop-off")
    late_probability_known: float = feature(YES, "whether a calibrated model gave it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The booking and the day around a decision; 24 columns. Times are of the company's zone."""

    day_sine: float = feature(YES, "sine of the time of day")
    day_cosine: float = feature(YES, "cosine of the time of day")
    week_sine: float = feature(YES, "sine of the weekday")
    week_cosine: float = feature(YES, "cosine of the weekday")
    service_left_h: float = feature(HOURS, "until the last shift ends")

    due_in_min: float = feature(MINUTES, "until the booking's pickup window closes")
    due_known: float = feature(YES, "0 for a return whose time nobody knows yet")
    known_for_min: float = feature(MINUTES, "since the booking arrived")
    direct_min: float = feature(MINUTES, "the booking's direct way")
    direct_km: float = feature(KM, "the same")
    is_return: float = feature(YES, "the way home")
    is_will_call: float = feature(YES, "the patient calls when ready")
    needs_wheelchair: float = feature(YES, "the patient travels in a wheelchair")
    needs_stretcher: float = feature(YES, "the patient travels on a stretcher")

    duties_on_shift: float = feature(4 * COUNT, "duties whose shift runs now")
    idle_share: float = feature(SHARE, "share of them that stand idle")
    able_share: float = feature(SHARE, "share of them that could carry the booking at all")
    mean_planned_h: float = feature(HOURS, "mean planned work of a duty")
    spread_planned_h: float = feature(HOURS, "standard deviation of the same")
    open_bookings: float = feature(4 * COUNT, "bookings without a duty")
    due_within_hour: float = feature(4 * COUNT, "bookings due within an hour")
    unserved_share: float = feature(SHARE, "share of the day's bookings left unserved so far")
    late_share: float = feature(SHARE, "share of the day's passengers who were late so far")
    mean_slack_min: float = feature(MINUTES, "mean slack of all planned stops")
