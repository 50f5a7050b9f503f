"""Narrowed windows: no schedule within them rides too long, and something is left of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from atmr_engine.bench.peers.windows import PairWindows, narrowed

times = st.integers(0, 2_000)
lengths = st.integers(0, 600)


@st.composite
def requests(draw: st.DrawFn) -> tuple[PairWindows, int, int, int]:
    """Windows, service, way and longest ride of a request that can be served."""
    pickup, service, way = draw(times), draw(st.integers(0, 30)), draw(st.integers(0, 100))
    longest = way + draw(st.integers(0, 100))
    ride = draw(st.integers(way, longest))
    dropoff = pickup + service + ride
    windows = PairWindows(
        pickup_open=pickup - draw(lengths),
        pickup_close=pickup + draw(lengths),
        dropoff_open=dropoff - draw(lengths),
        dropoff_close=dropoff + draw(lengths),
    )
    return windows, service, way, longest


@given(requests())
def test_no_schedule_in_narrowed_windows_rides_too_long(
    request: tuple[PairWindows, int, int, int],
) -> None:
    windows, service, way, longest = request
    less = narrowed(windows, service, way, longest)
    assert less.dropoff_close - less.pickup_open - service <= longest


@given(requests())
def test_narrowed_windows_lie_within_and_hold_the_direct_ride(
    request: tuple[PairWindows, int, int, int],
) -> None:
    windows, service, way, longest = request
    less = narrowed(windows, service, way, longest)
    assert windows.pickup_open <= less.pickup_open <= less.pickup_close <= windows.pickup_close
    assert windows.dropoff_open <= less.dropoff_open <= less.dropoff_close <= windows.dropoff_close
    assert less.pickup_open + service + way <= less.dropoff_close


@given(requests())
def test_without_a_limit_nothing_that_can_happen_is_lost(
    request: tuple[PairWindows, int, int, int],
) -> None:
    windows, service, way, _ = request
    less = narrowed(windows, service, way, None)
    assert (less.pickup_open, less.dropoff_close) == (windows.pickup_open, windows.dropoff_close)
    assert less.pickup_close == min(windows.pickup_close, windows.dropoff_close - service - way)
    assert less.dropoff_open == max(windows.dropoff_open, windows.pickup_open + service + way)


def test_the_wider_window_gives_way() -> None:
    outbound = PairWindows(pickup_open=0, pickup_close=480, dropoff_open=100, dropoff_close=115)
    assert narrowed(outbound, 3, 10, 30) == PairWindows(
        pickup_open=82, pickup_close=102, dropoff_open=100, dropoff_close=115
    )
    inbound = PairWindows(pickup_open=100, pickup_close=115, dropoff_open=0, dropoff_close=480)
    assert narrowed(inbound, 3, 10, 30) == PairWindows(
        pickup_open=100, pickup_close=115, dropoff_open=113, dropoff_close=133
    )


def test_what_one_window_cannot_give_the_other_one_does() -> None:
    windows = PairWindows(pickup_open=0, pickup_close=10, dropoff_open=30, dropoff_close=35)
    assert narrowed(windows, 0, 5, 22) == PairWindows(
        pickup_open=10, pickup_close=10, dropoff_open=30, dropoff_close=32
    )
