"""Laws on driving, breaks and rest as data with their sources, and how they bind a duty.

They are what planning reads from the law, not legal advice; a company sets its own pack beside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING

from atmr_engine.problem import Break, DrivingBreak, Duty, ProblemError, TimeWindow

if TYPE_CHECKING:
    from collections.abc import Collection

MINUTE = 60.0
HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkBreak:
    """Work of more than `over_s` is interrupted for `duration_s` in all."""

    over_s: float
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePack:
    """One law's limits, in seconds; what it does not limit is infinite, zero or empty.

    `work_breaks` rise from the shortest work to the longest. The pack does not bind a driver whose
    trips of the day all have `exempt_purposes`, nor one whose vehicle has `exempt_equipment`.
    `source` says where the limits stand.
    """

    name: str
    source: str
    max_driving_day_s: float = math.inf
    max_driving_week_s: float = math.inf
    driving_break: DrivingBreak | None = None
    work_breaks: tuple[WorkBreak, ...] = ()
    min_rest_s: float = 0.0
    exempt_purposes: frozenset[str] = frozenset()
    exempt_equipment: frozenset[str] = frozenset()

    def binds(self, purposes: Collection[str], equipment: Collection[str]) -> bool:
        """Whether it binds a driver with trips of these purposes today, on such a vehicle.

        A day without a known purpose is bound.
        """
        exempt_trips = bool(purposes) and self.exempt_purposes.issuperset(purposes)
        return not exempt_trips and self.exempt_equipment.isdisjoint(equipment)


LABOUR_ACT = RulePack(
    name="CH labour act",
    source="Labour Act (SR 822.11) art. 15 (breaks) and 15a (daily rest)",
    work_breaks=(
        WorkBreak(over_s=5.5 * HOUR, duration_s=15 * MINUTE),
        WorkBreak(over_s=7 * HOUR, duration_s=30 * MINUTE),
        WorkBreak(over_s=9 * HOUR, duration_s=60 * MINUTE),
    ),
    min_rest_s=11 * HOUR,
)
"""Swiss employees in general; what binds who drives under no ordinance of its own."""

OTR_2 = replace(
    LABOUR_ACT,
    name="CH OTR 2",
    source=(
        "OTR 2 (SR 822.222) art. 7 (9 h driving a day, 45 h a week), art. 8 (45 min after 4 h 30 "
        "of driving), art. 4 (exceptions); breaks from work and daily rest: " + LABOUR_ACT.source
    ),
    max_driving_day_s=9 * HOUR,
    max_driving_week_s=45 * HOUR,
    driving_break=DrivingBreak(after_s=4.5 * HOUR, duration_s=45 * MINUTE),
    exempt_purposes=frozenset({"disabled", "pupils", "workers"}),
    exempt_equipment=frozenset({"sn_en_1789"}),
)
"""Swiss professional drivers of light passenger vehicles. Transports of the disabled, of pupils and
of workers are exempt, and so are vehicles equipped for medical tasks (SN EN 1789)."""


def pack_for(
    purposes: Collection[str],
    equipment: Collection[str],
    packs: tuple[RulePack, ...] = (OTR_2, LABOUR_ACT),
) -> RulePack | None:
    """The first of `packs` that binds a day of such trips on such a vehicle, or None."""
    return next((pack for pack in packs if pack.binds(purposes, equipment)), None)


def with_rule_pack(
    duty: Duty,
    pack: RulePack,
    *,
    driven_week_s: float = 0.0,
    last_end_s: float | None = None,
) -> Duty:
    """The duty under `pack`: what it says itself stays where it is stricter.

    `driven_week_s` is the driver's driving this week before today, `last_end_s` when the work
    before this duty ended (in the problem's seconds, so negative for yesterday); None: long ago.

    Raises:
        ProblemError: where the rest does not end within the shift.

    """
    shift = _rested(pack, duty, last_end_s)
    left_s = max(0.0, pack.max_driving_week_s - driven_week_s)
    return replace(
        duty,
        shift=shift,
        max_driving_s=min(duty.max_driving_s, pack.max_driving_day_s, left_s),
        driving_break=_stricter(duty.driving_break, pack.driving_break),
        breaks=(*duty.breaks, *_work_break(pack, duty.breaks, shift)),
    )


def _rested(pack: RulePack, duty: Duty, last_end_s: float | None) -> TimeWindow:
    if last_end_s is None:
        return duty.shift
    opens_s = max(duty.shift.open_s, last_end_s + pack.min_rest_s)
    if opens_s > duty.shift.close_s:
        raise ProblemError(
            f"duty {duty.id}",
            f"{pack.name} asks for {pack.min_rest_s / HOUR:g} h of rest, which end at {opens_s:g} "
            f"s, after the shift's end at {duty.shift.close_s:g} s",
        )
    return TimeWindow(opens_s, duty.shift.close_s)


def _stricter(own: DrivingBreak | None, law: DrivingBreak | None) -> DrivingBreak | None:
    if own is None or law is None:
        return own or law
    return DrivingBreak(
        after_s=min(own.after_s, law.after_s), duration_s=max(own.duration_s, law.duration_s)
    )


def _work_break(pack: RulePack, own: tuple[Break, ...], shift: TimeWindow) -> tuple[Break, ...]:
    """One more break, where the duty's own are too short for a shift of this length.

    Breaks shorter than the law's shortest do not count. The work is taken to fill the shift.
    """
    length_s = shift.close_s - shift.open_s
    owed = list(takewhile(lambda each: length_s > each.over_s, pack.work_breaks))
    if not owed:
        return ()
    shortest_s, longest_s = owed[0].duration_s, owed[0].over_s
    taken_s = sum(rest.duration_s for rest in own if rest.duration_s >= shortest_s)
    missing_s = owed[-1].duration_s - taken_s
    if missing_s <= 0.0:
        return ()
    duration_s = max(missing_s, shortest_s)
    return (Break(duration_s=duration_s, window=_middle(shift, duration_s, longest_s)),)


def _middle(shift: TimeWindow, duration_s: float, longest_s: float) -> TimeWindow:
    """When a break begins that lies in the shift's middle half.

    Neither part of the shift is to be longer than `longest_s`, after which the law asks for a
    break; in a shift too long for that the break lies in the very middle.
    """
    quarter_s = (shift.close_s - shift.open_s) / 4.0
    latest_end_s = shift.close_s - duration_s
    earliest_s = max(shift.open_s + quarter_s, latest_end_s - longest_s)
    latest_s = min(latest_end_s - quarter_s, shift.open_s + longest_s)
    if earliest_s > latest_s:
        earliest_s = latest_s = (shift.open_s + latest_end_s) / 2.0
    return TimeWindow(earliest_s, latest_s)
