"""The noise of executed days: as spread as it says, mean-preserving, and one draw per key."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import fmean, pstdev

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atmr_engine import Travel, Weights
from atmr_engine.simulate.draws import Draws
from atmr_engine.simulate.noise import Noise
from atmr_engine.simulate.rich_problems import RichDay, rich_problem
from atmr_engine.simulate.slack import Slack
from atmr_engine.simulate.truth import ALWAYS, Incident, Truth, realise

COUNT = 20_000
DRAWS = Draws(Noise(same_day_bookings=0.2, early_cancellations=0.05), seed=1, day=3)
DAY = rich_problem(RichDay(12, 3), 5, Weights())


def shares(*names: str) -> list[str]:
    return [f"{name}{number}" for name in names for number in range(COUNT)]


@pytest.mark.parametrize(
    ("factors", "sigma"),
    [
        ([DRAWS.leg_factor(i, i + 1) for i in range(COUNT)], 0.15),
        ([DRAWS.hour_factor(i) for i in range(COUNT)], 0.10),
        ([DRAWS.boarding_factor(name) for name in shares("r")], 0.35),
        ([DRAWS.alighting_factor(name) for name in shares("r")], 0.35),
    ],
)
def test_factors_are_lognormal_with_mean_one(factors: list[float], sigma: float) -> None:
    logs = [math.log(factor) for factor in factors]
    assert fmean(factors) == pytest.approx(1.0, abs=4 * sigma / math.sqrt(COUNT))
    assert fmean(logs) == pytest.approx(-(sigma**2) / 2, abs=4 * sigma / math.sqrt(COUNT))
    assert pstdev(logs) == pytest.approx(sigma, rel=0.02)


def test_shares_are_as_stated() -> None:
    names = shares("r")
    near = {"abs": 4 * 0.5 / math.sqrt(COUNT)}
    assert fmean(not DRAWS.shows_up(name) for name in names) == pytest.approx(0.03, **near)
    notices = [DRAWS.cancellation_notice_s(name) for name in names]
    late = [notice for notice in notices if notice is not None and notice < 7200]
    early = [notice for notice in notices if notice is not None and notice >= 7200]
    assert len(late) / COUNT == pytest.approx(0.07, **near)
    assert len(early) / COUNT == pytest.approx(0.05, **near)
    assert fmean(late) == pytest.approx(3600, rel=0.05)
    assert max(early) < 8 * 3600
    booked = [notice for name in names if (notice := DRAWS.booking_notice_s(name)) is not None]
    assert len(booked) / COUNT == pytest.approx(0.2, **near)
    assert fmean(booked) == pytest.approx(2.5 * 3600, rel=0.02)
    broken = [share for name in names if (share := DRAWS.breakdown_share(name)) is not None]
    assert len(broken) / COUNT == pytest.approx(1 / 200, abs=0.002)
    assert fmean(broken) == pytest.approx(0.5, abs=0.15)
    delays = [DRAWS.readiness_delay_s(name) for name in names]
    assert fmean(delays) == pytest.approx(0.0, abs=40)
    assert pstdev(delays) == pytest.approx(1200, rel=0.02)
    days = [Draws(Noise(), seed=1, day=day).incident() for day in range(4_000)]
    assert fmean(day is not None for day in days) == pytest.approx(0.5, abs=0.04)


def test_without_noise_everything_is_as_planned() -> None:
    truth = realise(DAY, Noise.none(), seed=1)
    assert truth.breakdown_s == {}
    assert truth.incidents == ()
    for request in DAY.requests:
        facts = truth.of(request.id)
        assert facts.boarding_factor == facts.alighting_factor == 1.0
        assert (facts.booked_s, facts.cancelled_s, facts.shows_up) == (ALWAYS, None, True)
    assert truth.leg_factor(1, 2) == truth.hour_factor(9) == 1.0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("leg_sigma", -0.1),
        ("no_shows", 1.5),
        ("incident_factor", 0.5),
        ("breakdowns", math.nan),
        ("most_notice_s", 10.0),
    ],
)
def test_noise_that_cannot_be_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        Noise(**{field: value})


def test_more_cancellations_than_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="exceed"):
        Noise(late_cancellations=0.6, early_cancellations=0.6)


def test_the_planned_quantile_is_that_of_the_noise() -> None:
    noise = Noise()
    factors = sorted(
        DRAWS.leg_factor(i, i + 1) * DRAWS.hour_factor(COUNT + i) for i in range(COUNT)
    )
    assert noise.travel_quantile(0.8) == pytest.approx(factors[int(0.8 * COUNT)], rel=0.01)
    planned = Slack.at_quantile(0.8, noise, buffer_s=60.0).applied(DAY).travel.time_s
    free = DAY.travel.time_s
    assert (planned.diagonal() == 0.0).all()
    moves = free > 0.0
    assert planned[moves] == pytest.approx(free[moves] * noise.travel_quantile(0.8) + 60.0)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    day=st.integers(0, 1_000),
    order=st.permutations(range(12)),
    left_out=st.integers(0, 11),
)
def test_a_draw_hangs_on_its_key_alone(
    seed: int, day: int, order: list[int], left_out: int
) -> None:
    noise = Noise(same_day_bookings=0.3, no_shows=0.2, late_cancellations=0.2)
    unlinked = tuple(replace(request, link=None) for request in DAY.requests)
    whole = replace(DAY, requests=unlinked)
    mixed = replace(DAY, requests=tuple(unlinked[i] for i in order if i != left_out))
    one, other = realise(whole, noise, seed, day), realise(mixed, noise, seed, day)
    for request in mixed.requests:
        assert one.of(request.id) == other.of(request.id)
    assert one.breakdown_s == other.breakdown_s
    assert one.incidents == other.incidents
    legs = [(a, b) for a in range(4) for b in range(4)]
    first = {leg: one.leg_factor(*leg) for leg in legs}
    assert first == {leg: other.leg_factor(*leg) for leg in reversed(legs)}


def test_purposes_do_not_share_their_draws() -> None:
    names = shares("r")[:2_000]
    boarding = [DRAWS.boarding_factor(name) for name in names]
    alighting = [DRAWS.alighting_factor(name) for name in names]
    assert abs(np.corrcoef(boarding, alighting)[0, 1]) < 0.1
    slow = [factor > 1.0 for factor in boarding]
    late = [DRAWS.readiness_delay_s(name) > 0.0 for name in names]
    assert abs(np.corrcoef(slow, late)[0, 1]) < 0.1


def test_days_and_seeds_differ() -> None:
    factors = {
        Draws(Noise(), seed, day).leg_factor(0, 1) for seed in range(20) for day in range(20)
    }
    assert len(factors) == 400


def test_both_legs_are_booked_together_and_who_misses_the_first_needs_no_second() -> None:
    noise = Noise(same_day_bookings=0.5, no_shows=0.5)
    missed = 0
    for seed in range(50):
        truth = realise(DAY, noise, seed)
        for request in DAY.requests:
            if request.link is not None:
                before, after = truth.of(request.link.after), truth.of(request.id)
                assert before.booked_s == after.booked_s
                assert before.shows_up or not after.shows_up
                missed += not before.shows_up
    assert missed > 50


def driving(pace: dict[int, float], *incidents: Incident) -> Truth:
    """Three places in a row, 30 minutes and 10 km apart; the leg 0 -> 2 leads over place 1."""
    km = np.array([[0.0, 10, 20], [10, 0, 10], [20, 10, 0]])
    travel = Travel(time_s=km * 180.0, distance_km=km)
    plain = replace(rich_problem(RichDay(0, 0), 1, Weights()), travel=travel)
    return Truth(problem=plain, incidents=incidents, hour_factor=lambda hour: pace.get(hour, 1.0))


def test_a_leg_takes_each_hour_at_its_own_pace() -> None:
    truth = driving({1: 2.0})
    assert truth.arrival_s(0, 1, 0.0) == 1800
    # 10 of 30 minutes before the full hour, the other 20 take 40 in the slow one
    assert truth.arrival_s(0, 1, 3000.0) == 3600 + 2400
    # 60 minutes of way: 20 before the slow hour, 30 in it, 10 behind it
    assert truth.arrival_s(0, 2, 2400.0) == 7200 + 600
    assert truth.arrival_s(0, None, 5.0) == truth.arrival_s(1, 1, 5.0) == 5.0


def test_an_incident_slows_the_legs_that_lead_through_its_corridor() -> None:
    block = Incident(place=1, begin_s=600.0, end_s=1200.0, factor=1.8, reach=0.15)
    truth = driving({}, block)
    assert truth.leads_through(block, 0, 2)
    # 600 s before, 600 / 1.8 during, the rest after
    assert truth.arrival_s(0, 2, 0.0) == pytest.approx(1200 + 3600 - 600 - 600 / 1.8)
    aside = replace(block, place=2)
    assert not truth.leads_through(aside, 0, 1)
    assert driving({}, aside).arrival_s(0, 1, 0.0) == 1800


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 1_000), moments=st.tuples(st.floats(0, 86_400), st.floats(0, 86_400)))
def test_who_leaves_later_arrives_later(seed: int, moments: tuple[float, float]) -> None:
    noise = Noise(hour_sigma=0.5, incidents=1.0)
    truth = realise(DAY, noise, seed)
    early, late = sorted(moments)
    assert truth.arrival_s(8, 9, early) <= truth.arrival_s(8, 9, late) + 1e-6
