"""Days for the benchmarks of running days: generated demand, every constraint, noise of a day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from atmr_common.travel.great_circle import GENEVA_CENTRE
from atmr_engine import Budget, Plan, Problem, SameDriver, Travel, solve
from atmr_engine.formats.day import Day
from atmr_engine.formats.day_records import BookingRecord, Mobility
from atmr_engine.simulate.demand import Demand, generate_day
from atmr_engine.simulate.geography import apart_km
from atmr_engine.simulate.noise import Noise
from atmr_engine.simulate.random_streams import subject_of
from atmr_engine.simulate.slack import Slack
from atmr_engine.simulate.truth import ALWAYS, Truth, realise

FIRST_DAY = date(2026, 3, 2)
ALONE, INFECTED, SAME_DRIVER, PREFERRED_DRIVER = 0.03, 0.05, 0.03, 0.10
"""Shares of clients that the generator does not know of; assumptions of the benchmark alone."""


@dataclass(frozen=True, slots=True)
class NoisyDay:
    """A day as it is known the evening before, and as it goes."""

    problem: Problem
    truth: Truth

    def planning(self, slack: Slack) -> Problem:
        return slack.applied(self.problem)

    def evening_plan(self, planning: Problem, budget: Budget, seed: int = 0) -> Plan:
        """The plan for what was booked by then."""
        known = [r for r in planning.requests if self.truth.of(r.id).booked_s == ALWAYS]
        return solve(replace(planning, requests=tuple(known)), budget, seed)


def noisy_day(number: int, bookings: int, duties: int, noise: Noise, seed: int = 0) -> NoisyDay:
    """The weekday of that number, the same for the same arguments."""
    moved = FIRST_DAY + timedelta(days=number // 5 * 7 + number % 5)
    demand = Demand(bookings=bookings, duties=duties, day=moved)
    day = constrained(generate_day(demand, seed))
    problem = day.problem(travel_between(day))
    will_call = frozenset(record.id for record in day.bookings if record.will_call)
    return NoisyDay(problem, realise(problem, noise, seed, number, will_call))


def constrained(day: Day) -> Day:
    """The day with what the generator leaves out: riding alone, infections, drivers kept."""
    return replace(day, bookings=tuple(_constrained(record) for record in day.bookings))


def _constrained(record: BookingRecord) -> BookingRecord:
    """The same for all legs of a client."""
    drawn = subject_of(record.patient_ref) / 2**64
    if drawn < ALONE:
        return replace(record, ride_alone=True)
    if drawn < ALONE + INFECTED:
        return replace(record, share_group="infection", cleaning_min=10.0)
    if drawn < ALONE + INFECTED + SAME_DRIVER and record.mobility is not Mobility.STRETCHER:
        return replace(record, same_driver=SameDriver.REQUIRE)
    if drawn < ALONE + INFECTED + SAME_DRIVER + PREFERRED_DRIVER:
        return replace(record, same_driver=SameDriver.PREFER)
    return record


def travel_between(day: Day) -> Travel:
    """Free-flow driving times by the great circle, as the product estimates without a map."""
    points = day.points()
    apart = np.array([[apart_km(one, other) for other in points] for one in points])
    return Travel(
        time_s=np.where(apart > 0.0, GENEVA_CENTRE.time_s(apart), 0.0),
        distance_km=np.where(apart > 0.0, GENEVA_CENTRE.road_km(apart), 0.0),
    )
