"""Rule packs: which binds whom, and what a duty is allowed under it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.small_days import day, duty

from atmr_engine.problem import Break, DrivingBreak, Duty, ProblemError, TimeWindow
from atmr_engine.rule_packs import LABOUR_ACT, OTR_2, RulePack, pack_for, with_rule_pack

HOUR = 3600.0


def shift(hours: float, opens: float = 0.0, **changes: object) -> Duty:
    return duty(shift=TimeWindow(opens * HOUR, (opens + hours) * HOUR), **changes)


def added_min(bound: Duty) -> list[float]:
    day(duties=(bound,))
    return [rest.duration_s / 60 for rest in bound.breaks]


def test_who_drives_the_disabled_alone_is_under_the_labour_act() -> None:
    assert pack_for(["disabled"], []) is LABOUR_ACT
    assert pack_for(["disabled", "pupils"], []) is LABOUR_ACT
    assert pack_for(["disabled", "airport"], []) is OTR_2
    assert pack_for([], []) is OTR_2
    assert pack_for(["airport"], ["sn_en_1789"]) is LABOUR_ACT
    assert pack_for(["airport"], [], packs=()) is None


def test_a_pack_says_where_its_limits_stand() -> None:
    assert "822.222" in OTR_2.source
    assert "822.11" in LABOUR_ACT.source


def test_driving_is_limited_by_the_day_and_by_what_is_left_of_the_week() -> None:
    assert with_rule_pack(shift(8), OTR_2).max_driving_s == 9 * HOUR
    assert with_rule_pack(shift(8), OTR_2, driven_week_s=37 * HOUR).max_driving_s == 8 * HOUR
    assert with_rule_pack(shift(8), OTR_2, driven_week_s=46 * HOUR).max_driving_s == 0.0
    own = shift(8, max_driving_s=5 * HOUR)
    assert with_rule_pack(own, OTR_2).max_driving_s == 5 * HOUR
    assert with_rule_pack(shift(8), LABOUR_ACT).max_driving_s == math.inf


def test_the_stricter_break_from_driving_holds() -> None:
    assert with_rule_pack(shift(8), OTR_2).driving_break == DrivingBreak(
        after_s=4.5 * HOUR, duration_s=0.75 * HOUR
    )
    own = DrivingBreak(after_s=HOUR, duration_s=60)
    assert with_rule_pack(shift(8, driving_break=own), OTR_2).driving_break == DrivingBreak(
        after_s=HOUR, duration_s=0.75 * HOUR
    )
    assert with_rule_pack(shift(8, driving_break=own), LABOUR_ACT).driving_break == own
    assert with_rule_pack(shift(8), LABOUR_ACT).driving_break is None


@pytest.mark.parametrize(
    ("hours", "minutes"),
    [(5.5, []), (5.51, [15]), (7, [15]), (7.01, [30]), (9, [30]), (9.01, [60]), (14, [60])],
)
def test_a_longer_shift_has_a_longer_break(hours: float, minutes: list[float]) -> None:
    assert added_min(with_rule_pack(shift(hours), LABOUR_ACT)) == minutes


@pytest.mark.parametrize(
    ("own", "minutes"), [([60], []), ([30, 30], []), ([30], [30]), ([50], [15]), ([14, 14], [60])]
)
def test_the_dutys_own_breaks_count(own: list[float], minutes: list[float]) -> None:
    rests = tuple(Break(duration_s=60 * each, window=TimeWindow(0, HOUR)) for each in own)
    bound = with_rule_pack(shift(10, breaks=rests), LABOUR_ACT)
    assert added_min(bound) == [*own, *minutes]


def test_the_break_lies_so_that_neither_part_of_the_shift_asks_for_another() -> None:
    """Ten hours from 8: half past ten to half past one, an hour, and five and a half to the end."""
    [rest] = with_rule_pack(shift(10, opens=8), LABOUR_ACT).breaks
    assert (rest.window.open_s, rest.window.close_s) == (11.5 * HOUR, 13.5 * HOUR)
    [short] = with_rule_pack(shift(6), LABOUR_ACT).breaks
    assert (short.window.open_s, short.window.close_s) == (1.5 * HOUR, 4.25 * HOUR)
    [late] = with_rule_pack(shift(14), LABOUR_ACT).breaks
    assert late.window.open_s == late.window.close_s == 6.5 * HOUR


@given(hours=st.floats(0.1, 24), opens=st.floats(0, 24))
def test_every_bound_duty_can_be_stated_and_keeps_the_middle(hours: float, opens: float) -> None:
    bound = with_rule_pack(shift(hours, opens=opens), OTR_2)
    day(duties=(bound,))
    for rest in bound.breaks:
        begin, until = bound.shift.open_s, bound.shift.close_s
        quarter = (until - begin) / 4
        assert rest.window.open_s >= begin + quarter - 1e-3
        assert rest.window.close_s + rest.duration_s <= until - quarter + 1e-3


def test_the_shift_opens_when_the_rest_is_over() -> None:
    late = with_rule_pack(shift(10, opens=6), LABOUR_ACT, last_end_s=-2 * HOUR)
    assert (late.shift.open_s, late.shift.close_s) == (9 * HOUR, 16 * HOUR)
    assert added_min(late) == [15]
    early = with_rule_pack(shift(10, opens=6), LABOUR_ACT, last_end_s=-9 * HOUR)
    assert early.shift.open_s == 6 * HOUR
    with pytest.raises(ProblemError, match="11 h of rest"):
        with_rule_pack(shift(10, opens=6), LABOUR_ACT, last_end_s=5.1 * HOUR)


def test_an_empty_pack_changes_nothing() -> None:
    free = RulePack(name="none", source="none")
    assert with_rule_pack(shift(14), free, driven_week_s=1e9, last_end_s=-1e9) == shift(14)
    assert replace(free, exempt_purposes=frozenset({"a"})).binds([], [])
