"""One day, driven: events happen, a policy decides, vehicles drive, and all of it is recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from atmr_engine.beginning import is_taken
from atmr_engine.plan import StopKind
from atmr_engine.simulate.agenda import Agenda
from atmr_engine.simulate.commitments import broken_commitments, moved_times, pickups_s
from atmr_engine.simulate.conduct import Conduct
from atmr_engine.simulate.day_state import DayState, Phase, Standing, Task, Vehicle
from atmr_engine.simulate.events import Event, EventKind
from atmr_engine.simulate.motion import Motion
from atmr_engine.simulate.remainder import ON_THE_ROAD, remainder
from atmr_engine.simulate.truth import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from atmr_engine.plan import Plan, PlannedStop, Route
    from atmr_engine.problem import Duty, Problem, Request
    from atmr_engine.simulate.policies import Policy
    from atmr_engine.simulate.remainder import Remainder
    from atmr_engine.simulate.truth import Truth

_Subject = TypeVar("_Subject")
DECIDED = frozenset(
    {
        EventKind.BOOKED,
        EventKind.CANCELLED,
        EventKind.READY,
        EventKind.NOT_READY,
        EventKind.BROKEN_DOWN,
        EventKind.NO_SHOW,
        EventKind.ENDED,
    }
)
"""The events at which a policy is asked."""
CALLED_OFF = {EventKind.CANCELLED: Standing.CANCELLED, EventKind.HELD: Standing.HELD}
_STILL_TO_COME = frozenset({Standing.OPEN, Standing.ASIDE})


class StuckError(RuntimeError):
    """The day ended with work that nobody could go on with: a defect of a policy's plan."""


def drive(
    truth: Truth,
    planning: Problem,
    plan: Plan,
    policy: Policy,
    conduct: Conduct | None = None,
    *,
    foreseen: bool = False,
) -> list[Event]:
    """The record of one day under a policy: the same for the same arguments.

    `planning` is the day as planned (its driving times with slack, say), `plan` the evening's plan
    for it; both know the requests and duties of `truth.problem` by the same ids. Requests that are
    booked on the day must be unserved in `plan`. Where the day is `foreseen`, everything is known
    from the start: ready times, who will not be there, what will be booked.

    Raises:
        StuckError: where a vehicle waits for ever.

    """
    execution = Execution(truth, planning, policy, conduct or Conduct(), foreseen=foreseen)
    return execution.run(plan)


class Execution:
    """A day in progress."""

    def __init__(
        self, truth: Truth, planning: Problem, policy: Policy, conduct: Conduct, *, foreseen: bool
    ) -> None:
        start_s = min((duty.shift.open_s for duty in planning.duties), default=0.0)
        for facts in truth.facts.values():
            moments = (facts.booked_s, facts.cancelled_s, facts.ready_s)
            start_s = min([start_s, *(m for m in moments if m is not None and m > ALWAYS)])
        self.truth, self.policy, self.foreseen = truth, policy, foreseen
        self.requests = planning.requests
        self.agenda = Agenda(start_s)
        called = {name for name, facts in truth.facts.items() if facts.ready_s is not None}
        self.state = DayState(
            planning=replace(planning, requests=(), waivers=()),
            waivers=planning.waivers,
            conduct=conduct,
            will_call=frozenset() if foreseen else frozenset(called),
            now_s=start_s,
            vehicles={duty.id: _at_home(duty) for duty in planning.duties},
        )
        self.motion = Motion(truth=truth, state=self.state, agenda=self.agenda, tell=self.tell)
        self.record: list[Event] = []

    def run(self, plan: Plan) -> list[Event]:
        """Drive the whole day."""
        self._enter_facts()
        self._begin_with(plan)
        self.motion.wake_all()
        while (action := self.agenda.next_action()) is not None:
            self.state.now_s = self.agenda.now_s
            action()
        left = [name for name, vehicle in self.state.vehicles.items() if vehicle.has_work]
        if left:
            raise StuckError(f"the day ended and these duties still had work: {', '.join(left)}")
        return self.record

    def tell(self, event: Event) -> None:
        """Record what happened, and what follows from it; ask the policy."""
        self.record.append(event)
        if event.kind in {EventKind.NO_SHOW, EventKind.CANCELLED} and event.request is not None:
            kind = EventKind.HELD if event.kind is EventKind.NO_SHOW else EventKind.CANCELLED
            self._unroute(event.request)
            for request in self._returns(event.request):
                self._call_off(request, kind)
        if event.kind in DECIDED:
            self._decide(event)

    def _enter_facts(self) -> None:
        for request in self.requests:
            facts = self.truth.of(request.id)
            if facts.booked_s == ALWAYS or self.foreseen:
                self._know(request)
            else:
                self.agenda.at(facts.booked_s, _bound(self._book, request))
            if facts.cancelled_s is not None:
                self.agenda.at(facts.cancelled_s, _bound(self._cancel, request))
            if facts.ready_s is not None:
                self.agenda.at(facts.ready_s, _bound(self._ready, request))
            if self.foreseen and not facts.shows_up:
                self.agenda.at(self.agenda.now_s, _bound(self._miss, request))
        for name, moment_s in self.truth.breakdown_s.items():
            self.agenda.at(moment_s, _bound(self._break_down, self.state.vehicles[name]))

    def _begin_with(self, plan: Plan) -> None:
        for route in plan.routes:
            vehicle = self.state.vehicles[route.duty]
            every = tuple(range(len(vehicle.duty.breaks)))
            vehicle.ahead = list(_tasks(vehicle.duty, every, route.stops[1:-1]))
        self._tell_times(plan)

    def _tell_times(self, plan: Plan) -> None:
        """Tell whoever has a vehicle now and was told nothing yet; will-call patients call."""
        for name, begin_s in pickups_s(plan).items():
            state = self.state
            if name in state.told_s or name in state.will_call or name in state.ready_s:
                continue
            if state.standing[name] is Standing.OPEN:
                latest_s = max(begin_s, state.known[name].pickup.window.close_s)
                state.told_s[name] = min(begin_s + state.conduct.told_later_s, latest_s)
                self._note(EventKind.TOLD, request=name, told_s=state.told_s[name])

    def _know(self, request: Request) -> None:
        self.state.known[request.id] = request
        self.state.standing[request.id] = Standing.OPEN

    def _book(self, request: Request) -> None:
        self._know(request)
        self.tell(self._event(EventKind.BOOKED, request=request.id))

    def _cancel(self, request: Request) -> None:
        self._call_off(request, EventKind.CANCELLED)

    def _ready(self, request: Request) -> None:
        if self.state.standing.get(request.id) in {Standing.OPEN, Standing.ASIDE}:
            self.state.ready_s[request.id] = self.agenda.now_s
            self.state.standing[request.id] = Standing.OPEN
            self.tell(self._event(EventKind.READY, request=request.id))
            self.motion.wake_all()

    def _miss(self, request: Request) -> None:
        """A patient of whom it is known that they will not be there."""
        if self.state.standing[request.id] is Standing.OPEN:
            self.state.standing[request.id] = Standing.NO_SHOW
            self.tell(self._event(EventKind.NO_SHOW, request=request.id))

    def _break_down(self, vehicle: Vehicle) -> None:
        """Those on board are still brought to where they go; nobody else boards."""
        vehicle.broken = True
        vehicle.ahead = [task for task in vehicle.ahead if task.request in vehicle.on_board]
        current = vehicle.current
        if current and current.kind is StopKind.PICKUP and vehicle.phase is not Phase.SERVING:
            vehicle.current = None
            if vehicle.phase is Phase.WAITING:
                vehicle.phase = Phase.STANDING
        self.tell(self._event(EventKind.BROKEN_DOWN, duty=vehicle.duty.id))
        self.motion.wake_all()

    def _call_off(self, request: Request, kind: EventKind) -> None:
        """A cancellation, or a return that falls away; too late for those on board."""
        if self.state.standing.get(request.id) in {Standing.OPEN, Standing.ASIDE}:
            self.state.standing[request.id] = CALLED_OFF[kind]
            self._unroute(request.id)
            self.tell(self._event(kind, request=request.id))

    def _returns(self, name: str) -> list[Request]:
        legs = [r for r in self.state.known.values() if r.link is not None and r.link.after == name]
        return [leg for leg in legs if self.state.standing[leg.id] in _STILL_TO_COME]

    def _unroute(self, name: str) -> None:
        """Take a request out of whatever lies ahead; a leg that has begun ends for nothing."""
        for vehicle in self.state.vehicles.values():
            vehicle.ahead = [task for task in vehicle.ahead if task.request != name]
            if vehicle.current is not None and vehicle.current.request == name:
                vehicle.current = None
                if vehicle.phase is Phase.WAITING:
                    vehicle.phase, vehicle.free_s = Phase.STANDING, self.agenda.now_s
        self.motion.wake_all()

    def _decide(self, event: Event) -> None:
        decision = self.policy.decide(self.state, event)
        for name in decision.aside:
            if self.state.standing[name] is Standing.OPEN:
                self._unroute(name)
                self.state.standing[name] = Standing.ASIDE
        if decision.plan is not None:
            self._carry_out(remainder(self.state), decision.plan)

    def _carry_out(self, rest: Remainder, plan: Plan) -> None:
        reasons = list(broken_commitments(self.state, rest, plan))
        for reason in reasons:
            self._note(EventKind.REFUSED, detail=reason)
        if reasons:
            return
        for name in moved_times(self.state, rest, plan):
            self._note(EventKind.MOVED, request=name)
        routes = {route.duty: route for route in plan.routes}
        for duty in rest.problem.duties:
            vehicle = self.state.vehicles[duty.id]
            vehicle.ahead = list(self._ahead(rest, duty, routes.get(duty.id), vehicle))
        self._tell_times(plan)
        self.motion.wake_all()

    def _ahead(
        self, rest: Remainder, duty: Duty, route: Route | None, vehicle: Vehicle
    ) -> Iterator[Task]:
        """A route's stops behind its head; without a route, the breaks that are due."""
        if route is None:
            yield from (task for task in vehicle.ahead if task.pause is not None)
        else:
            stops = route.stops[1 + rest.heads[duty.id] : -1]
            yield from _tasks(duty, rest.pauses[duty.id], stops)

    def _note(
        self,
        kind: EventKind,
        *,
        request: str | None = None,
        told_s: float | None = None,
        detail: str | None = None,
    ) -> None:
        self.record.append(
            Event(at_s=self.agenda.now_s, kind=kind, request=request, told_s=told_s, detail=detail)
        )

    def _event(
        self, kind: EventKind, *, request: str | None = None, duty: str | None = None
    ) -> Event:
        return Event(at_s=self.agenda.now_s, kind=kind, request=request, duty=duty)


def _bound(action: Callable[[_Subject], None], subject: _Subject) -> Callable[[], None]:
    return lambda: action(subject)


def _at_home(duty: Duty) -> Vehicle:
    return Vehicle(
        duty=duty,
        place=duty.start_place,
        free_s=duty.shift.open_s,
        breaks_left=list(range(len(duty.breaks))),
    )


def _tasks(
    duty: Duty, positions: tuple[int, ...], stops: tuple[PlannedStop, ...]
) -> Iterator[Task]:
    """Planned stops as tasks; break k of `duty` is the one at `positions[k]` of the real duty."""
    left = list(enumerate(duty.breaks))
    for stop in stops:
        pause = None
        if stop.kind is StopKind.BREAK:
            taken = next((each for each in left if is_taken(each[1], stop)), left[0])
            left.remove(taken)
            pause = positions[taken[0]]
            if pause == ON_THE_ROAD:
                continue
        yield Task(
            kind=stop.kind,
            begin_s=stop.begin_s,
            place=None if pause is not None else stop.place,
            request=stop.request,
            pause=pause,
        )
