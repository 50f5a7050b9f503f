"""How vehicles move through a day: leave, arrive, wait, serve, go home.

A leg once begun is finished, even where nothing is left to do at its end. Each vehicle waits for
one thing at a time; whatever changes its work wakes it, and what it waited for before is void.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from atmr_engine.plan import StopKind
from atmr_engine.simulate.day_state import Phase, Standing, Task
from atmr_engine.simulate.events import Event, EventKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from atmr_engine.simulate.agenda import Agenda
    from atmr_engine.simulate.day_state import DayState, Vehicle
    from atmr_engine.simulate.truth import Truth


@dataclass(slots=True, kw_only=True)
class Motion:
    """Drives the vehicles of `state` through `truth`; `tell` records an event and lets decide."""

    truth: Truth
    state: DayState
    agenda: Agenda
    tell: Callable[[Event], None]
    _awaited: dict[str, int] = field(default_factory=dict)
    _asked: set[tuple[str, str]] = field(default_factory=set)

    def wake(self, vehicle: Vehicle) -> None:
        """Let a vehicle look again at what it has to do, at once."""
        self._wait(vehicle, self.agenda.now_s, self._go_on)

    def wake_all(self) -> None:
        """Wake every vehicle that stands or waits."""
        for vehicle in self.state.vehicles.values():
            if vehicle.phase in {Phase.STANDING, Phase.WAITING}:
                self.wake(vehicle)

    def _wait(self, vehicle: Vehicle, moment_s: float, action: Callable[[Vehicle], None]) -> None:
        number = self._awaited.get(vehicle.duty.id, 0) + 1
        self._awaited[vehicle.duty.id] = number

        def act() -> None:
            if self._awaited[vehicle.duty.id] == number:
                action(vehicle)

        self.agenda.at(moment_s, act)

    def _go_on(self, vehicle: Vehicle) -> None:
        if vehicle.phase is Phase.WAITING:
            self._serve(vehicle)
        elif vehicle.phase is Phase.STANDING:
            self._set_out(vehicle)

    def _set_out(self, vehicle: Vehicle) -> None:
        """Take the next task up, when it is time to."""
        if not vehicle.has_work and vehicle.departed_s is None:
            return
        task = self._next_task(vehicle)
        if task is None:
            return
        moment = self._leaves_s(vehicle, task)
        if moment > self.agenda.now_s:
            self._wait(vehicle, moment, self._go_on)
        elif task.kind is StopKind.BREAK:
            self._begin(vehicle, task)
        elif task.kind is StopKind.PICKUP and not self.state.is_ready(task.request or ""):
            self._ask(vehicle, task)
        else:
            self._depart(vehicle, task)

    def _next_task(self, vehicle: Vehicle) -> Task | None:
        """What is next, the way home included; None where it has arrived, or broken down."""
        if vehicle.ahead:
            return vehicle.ahead[0]
        home = vehicle.duty.end_place
        if vehicle.broken or home is None or vehicle.place == home:
            return None
        return Task(kind=StopKind.END, begin_s=self.agenda.now_s, place=home)

    def _leaves_s(self, vehicle: Vehicle, task: Task) -> float:
        earliest = self.agenda.now_s
        if vehicle.departed_s is None:
            earliest = max(earliest, vehicle.duty.shift.open_s)
        if task.pause is not None:
            return max(earliest, vehicle.duty.breaks[task.pause].window.open_s)
        way_s = self.state.way_s(vehicle.place, task.place)
        return max(earliest, task.begin_s - way_s - self.state.conduct.leave_early_s)

    def _ask(self, vehicle: Vehicle, task: Task) -> None:
        """Nobody leaves for a patient who has not called; a policy may find it other work."""
        asked = (vehicle.duty.id, task.request or "")
        if asked not in self._asked:
            self._asked.add(asked)
            self._tell(EventKind.NOT_READY, vehicle, task)
            self.wake(vehicle)

    def _depart(self, vehicle: Vehicle, task: Task) -> None:
        if task.kind is not StopKind.END:
            vehicle.ahead.pop(0)
        now, origin = self.agenda.now_s, vehicle.place
        self._leave_home(vehicle)
        vehicle.current, vehicle.phase = task, Phase.DRIVING
        vehicle.free_s = now + self.state.way_s(origin, task.place)
        vehicle.place = task.place
        self._tell(EventKind.DEPARTED, vehicle, task)
        self._wait(vehicle, self.truth.arrival_s(origin, task.place, now), self._arrive)

    def _leave_home(self, vehicle: Vehicle) -> None:
        """Its duty begins, with the breaks that are planned: the others had passed before."""
        if vehicle.departed_s is None:
            vehicle.departed_s = self.agenda.now_s
            planned = {task.pause for task in vehicle.ahead}
            vehicle.breaks_left = [left for left in vehicle.breaks_left if left in planned]

    def _arrive(self, vehicle: Vehicle) -> None:
        task = vehicle.current
        vehicle.free_s = self.agenda.now_s
        vehicle.phase = Phase.WAITING if task and task.request else Phase.STANDING
        if vehicle.phase is Phase.STANDING:
            vehicle.current = None
        self._tell(EventKind.ARRIVED, vehicle, task)
        self.wake(vehicle)

    def _serve(self, vehicle: Vehicle) -> None:
        """Begin service at the stop where the vehicle waits, as soon as that can be."""
        task = vehicle.current
        if task is None:
            return
        begin_s = self._begins_s(vehicle, task)
        if begin_s is None:
            return
        if task.kind is StopKind.PICKUP and not self.truth.of(task.request or "").shows_up:
            told_s = self.state.told_s.get(task.request or "", begin_s)
            given_up_s = max(begin_s, told_s) + self.state.conduct.no_show_wait_s
            self._wait(vehicle, given_up_s, self._give_up)
        elif begin_s > self.agenda.now_s:
            self._wait(vehicle, begin_s, self._go_on)
        else:
            self._begin(vehicle, task)

    def _begins_s(self, vehicle: Vehicle, task: Task) -> float | None:
        """When service can begin; None while that hangs on another leg of the same patient."""
        arrived_s, request = vehicle.free_s, self.state.known[task.request or ""]
        if task.kind is StopKind.DROPOFF:
            return max(arrived_s, request.dropoff.window.open_s)
        if request.link is not None and self._goes_on(request.link.after):
            return None
        return max(arrived_s, self.state.boards_from_s(request))

    def _goes_on(self, name: str) -> bool:
        """Whether a leg is under way or will be."""
        standing = self.state.standing.get(name)
        if standing is Standing.OPEN:
            return name in self.state.routed()
        return standing in {Standing.ON_BOARD, Standing.ALIGHTING}

    def _begin(self, vehicle: Vehicle, task: Task) -> None:
        now = self.agenda.now_s
        self._leave_home(vehicle)
        vehicle.current, vehicle.phase = task, Phase.SERVING
        if task.pause is not None:
            planned_s = spent_s = vehicle.duty.breaks[task.pause].duration_s
            vehicle.ahead.pop(0)
            vehicle.breaks_left.remove(task.pause)
        else:
            planned_s, spent_s = self._service(vehicle, task)
        vehicle.free_s = now + planned_s
        self._tell(EventKind.BEGAN, vehicle, task)
        self._wait(vehicle, now + spent_s, self._end)

    def _service(self, vehicle: Vehicle, task: Task) -> tuple[float, float]:
        """Enter that a patient boards or alights; planned and actual seconds of it."""
        name, now, state = task.request or "", self.agenda.now_s, self.state
        request, facts = state.known[name], self.truth.of(name)
        real = self.truth.problem.requests[self.truth.problem.request_index[name]]
        if task.kind is StopKind.PICKUP:
            planned_s = request.pickup.service_s
            state.standing[name] = Standing.ON_BOARD
            state.driven_by[name] = vehicle.duty.id
            vehicle.on_board[name] = now + planned_s
            return planned_s, real.pickup.service_s * facts.boarding_factor
        state.standing[name] = Standing.ALIGHTING
        state.alighted_s[name] = now + request.dropoff.service_s
        del vehicle.on_board[name]
        planned_s = request.dropoff.service_s + request.cleaning_s
        return planned_s, real.dropoff.service_s * facts.alighting_factor + real.cleaning_s

    def _end(self, vehicle: Vehicle) -> None:
        task, now = vehicle.current, self.agenda.now_s
        if task is None:
            return
        vehicle.current, vehicle.phase, vehicle.free_s = None, Phase.STANDING, now
        if task.kind is StopKind.PICKUP:
            vehicle.on_board[task.request or ""] = now
        elif task.kind is StopKind.DROPOFF:
            request = self.state.known[task.request or ""]
            self.state.standing[request.id] = Standing.SERVED
            self.state.alighted_s[request.id] = now - request.cleaning_s
        self._tell(EventKind.ENDED, vehicle, task)
        self.wake_all()

    def _give_up(self, vehicle: Vehicle) -> None:
        """The patient is not there: drive on."""
        task = vehicle.current
        if task is None:
            return
        vehicle.current, vehicle.phase = None, Phase.STANDING
        vehicle.free_s = self.agenda.now_s
        self.state.standing[task.request or ""] = Standing.NO_SHOW
        self._tell(EventKind.NO_SHOW, vehicle, task)
        self.wake_all()

    def _tell(self, kind: EventKind, vehicle: Vehicle, task: Task | None) -> None:
        """Record a move; without a task the vehicle is somewhere for nothing."""
        self.tell(
            Event(
                at_s=self.agenda.now_s,
                kind=kind,
                duty=vehicle.duty.id,
                stop=None if task is None else task.kind,
                place=vehicle.place if task is None or task.place is None else task.place,
                request=None if task is None else task.request,
            )
        )
