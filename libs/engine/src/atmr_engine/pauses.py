"""The pauses that stand in a duty's route as stops of their own: its breaks, and rests begun.

A rest that driving asks for stands wherever the timetable needs it, unless it is committed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_engine.duty import Break
from atmr_engine.time_window import ANY_TIME

if TYPE_CHECKING:
    from atmr_engine.duty import Committed, Duty


def pauses_of(duty: Duty) -> tuple[Break, ...]:
    """The duty's breaks, then the committed rests that are none of them."""
    rest = duty.driving_break
    begun = max(committed_pauses(duty), default=-1) + 1 - len(duty.breaks)
    if rest is None or begun <= 0:
        return duty.breaks
    return (*duty.breaks, *(Break(duration_s=rest.duration_s, window=ANY_TIME),) * begun)


def committed_pauses(duty: Duty) -> list[int]:
    """Which of `pauses_of` each committed break is, in their order.

    They are the duty's breaks in the order in which they stand; with driving breaks, one that
    began outside the windows of all breaks left is a rest.
    """
    stops = [stop for stop in duty.committed if stop.kind == "break"]
    if duty.driving_break is None:
        return list(range(len(stops)))
    taken: list[int] = []
    rests = len(duty.breaks)
    for stop in stops:
        own = (k for k, pause in enumerate(duty.breaks) if k not in taken and may_be(pause, stop))
        which = next(own, rests)
        rests += which == rests
        taken.append(which)
    return taken


def may_be(pause: Break, stop: Committed) -> bool:
    """Whether a committed break began in the window of this one."""
    window = pause.window
    return stop.begin_s is None or window.open_s <= stop.begin_s <= window.close_s
