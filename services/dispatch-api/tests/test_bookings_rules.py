"""Rules of bookings that need no database: states, and times that can be right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch_api.bookings.domain import (
    FIXED,
    TRANSITIONS,
    UNDER_WAY,
    WAITING,
    BookingState,
    IllegalTransitionError,
    check_transition,
)
from dispatch_api.bookings.timing import first_moment, local_day, wrong_times

ZURICH = ZoneInfo("Europe/Zurich")
NOW = datetime(2026, 3, 16, 6, tzinfo=UTC)
BEFORE_ON_BOARD = set(BookingState) - {
    BookingState.ON_BOARD,
    BookingState.COMPLETED,
    BookingState.CANCELLED,
    BookingState.NO_SHOW,
}
moments = st.none() | st.timedeltas(timedelta(days=4), timedelta(days=20)).map(NOW.__add__)
"""Over a change of Zurich's clocks."""


@dataclass(frozen=True, kw_only=True)
class Times:
    pickup_from: datetime | None = None
    pickup_to: datetime | None = None
    appointment_at: datetime | None = None
    will_call: bool = False
    ready_forecast: datetime | None = None
    day: date | None = None


@pytest.mark.parametrize("present", list(BookingState))
@pytest.mark.parametrize("wanted", list(BookingState))
def test_a_refusal_names_what_is_allowed(present: BookingState, wanted: BookingState) -> None:
    if wanted in TRANSITIONS[present]:
        check_transition(present, wanted)
        return
    with pytest.raises(IllegalTransitionError) as refusal:
        check_transition(present, wanted)
    assert set(refusal.value.allowed) == TRANSITIONS[present]
    assert str(present) in str(refusal.value)


def test_a_booking_can_be_cancelled_until_the_patient_is_on_board() -> None:
    cancellable = {state for state in BookingState if BookingState.CANCELLED in TRANSITIONS[state]}
    assert cancellable == BEFORE_ON_BOARD


def test_only_an_arrived_booking_becomes_a_no_show() -> None:
    sources = {state for state in BookingState if BookingState.NO_SHOW in TRANSITIONS[state]}
    assert sources == {BookingState.ARRIVED}


def test_each_state_is_waiting_under_way_or_ended() -> None:
    for state in BookingState:
        assert [state in WAITING, state.under_way, state.ended].count(True) == 1
    assert {BookingState.COMPLETED} == FIXED - UNDER_WAY


@given(
    st.builds(
        Times,
        pickup_from=moments,
        pickup_to=moments,
        appointment_at=moments,
        ready_forecast=moments,
        will_call=st.booleans(),
        day=st.none() | st.dates(date(2026, 3, 20), date(2026, 4, 5)),
    )
)
def test_times_without_a_fault_are_a_possible_leg_on_one_day(times: Times) -> None:
    faults = dict(wrong_times(times, ZURICH, NOW))
    assert faults.keys() <= Times.__dataclass_fields__.keys()
    if faults:
        return
    day, moment = local_day(times, ZURICH), first_moment(times)
    assert day is not None
    if moment is None:
        assert times.will_call
        assert times.day == day
    else:
        assert moment.astimezone(ZURICH).date() == day
    if times.pickup_from and times.pickup_to:
        assert timedelta() <= times.pickup_to - times.pickup_from <= timedelta(hours=24)
    if times.pickup_from and times.appointment_at and not times.will_call:
        assert times.pickup_from <= times.appointment_at
    assert times.will_call or times.ready_forecast is None


@pytest.mark.parametrize("days", [-401, 401])
def test_a_time_far_away_is_a_wrong_year(days: int) -> None:
    faults = dict(wrong_times(Times(pickup_from=NOW + timedelta(days=days)), ZURICH, NOW))
    assert "check the year" in faults["pickup_from"]
