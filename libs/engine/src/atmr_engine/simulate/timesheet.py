"""The timetable that each duty really drove, read off the record of the day."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from atmr_engine.plan import PlannedStop, Route, StopKind
from atmr_engine.simulate.events import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from atmr_engine.problem import Problem
    from atmr_engine.simulate.events import Event

MOVES = frozenset(
    {
        EventKind.DEPARTED,
        EventKind.ARRIVED,
        EventKind.BEGAN,
        EventKind.ENDED,
        EventKind.NO_SHOW,
    }
)


def timesheets(problem: Problem, record: Iterable[Event]) -> list[Route]:
    """A route for each duty that left its place, in the order of `problem.duties`.

    A visit in vain (nobody there, called off on the way, home between two tasks) stands as a pause
    at that place: its way and its time count, and nobody is on board for it. The way home of a
    vehicle that broke down is not known; its route ends where it was last.
    """
    sheets = {duty.id: _Sheet(duty.id, duty.start_place) for duty in problem.duties}
    for event in record:
        if event.kind in MOVES and event.duty is not None:
            sheets[event.duty].enter(event)
    return [sheet.route() for sheet in sheets.values() if sheet.stops]


@dataclass(slots=True)
class _Sheet:
    duty: str
    place: int | None
    stops: list[PlannedStop] = field(default_factory=list)
    arrived_s: float | None = None
    began_s: float | None = None

    def enter(self, event: Event) -> None:
        if not self.stops:
            self._stop(StopKind.START, event.at_s, event.at_s, event.at_s)
        if event.kind is EventKind.DEPARTED:
            self._pass_by(event.at_s)
        elif event.kind is EventKind.ARRIVED:
            self.place, self.arrived_s = event.place, event.at_s
        elif event.kind is EventKind.BEGAN:
            self.began_s = event.at_s
        elif event.kind is EventKind.ENDED and event.stop is not None and self.began_s is not None:
            arrived_s = self.began_s if self.arrived_s is None else self.arrived_s
            self._stop(event.stop, arrived_s, self.began_s, event.at_s, event.request)
            self.arrived_s = self.began_s = None
        elif event.kind is EventKind.NO_SHOW:
            self._pass_by(event.at_s)

    def route(self) -> Route:
        """With the end: home, or wherever the last event was."""
        end_s = self.stops[-1].end_s if self.arrived_s is None else self.arrived_s
        self._stop(StopKind.END, end_s, end_s, end_s)
        return Route(duty=self.duty, stops=tuple(self.stops))

    def _pass_by(self, at_s: float) -> None:
        """Enter a visit at which nothing was done."""
        if self.arrived_s is not None:
            self._stop(StopKind.BREAK, self.arrived_s, self.arrived_s, at_s)
            self.arrived_s = None

    def _stop(
        self,
        kind: StopKind,
        arrival_s: float,
        begin_s: float,
        end_s: float,
        request: str | None = None,
    ) -> None:
        self.stops.append(
            PlannedStop(
                kind=kind,
                place=self.place,
                arrival_s=arrival_s,
                begin_s=begin_s,
                end_s=end_s,
                request=request,
            )
        )
