"""A circuit breaker: after a row of failures a dependency is left alone for a while.

closed -> open after `failure_threshold` failures in a row; open -> half-open
after `reset_after_s`; half-open lets one call through, whose end decides.
"""

from __future__ import annotations

from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class CircuitState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitOpenError(Exception):
    """The call was not made, because the dependency failed a moment ago."""


class CircuitBreaker:
    """For one dependency, in one event loop.

    `clock` counts seconds from any origin; `failures` are the exceptions that speak against the
    dependency: any other one (a cancellation, our own mistake) proves nothing. `on_change` hears
    every new state.
    """

    def __init__(
        self,
        *,
        failure_threshold: int,
        reset_after_s: float,
        clock: Callable[[], float],
        failures: tuple[type[BaseException], ...],
        on_change: Callable[[CircuitState], None],
    ) -> None:
        self._failure_threshold = failure_threshold
        self._reset_after_s = reset_after_s
        self._clock = clock
        self._failure_types = failures
        self._on_change = on_change
        self._state = CircuitState.CLOSED
        self._failures_in_a_row = 0
        self._opened_at_s = 0.0
        self._probing = False
        self._era = 0

    @property
    def state(self) -> CircuitState:
        return self._state

    @property
    def refuses(self) -> bool:
        """Whether a call would not be made now, so that a caller may leave out the attempt."""
        if self._state is CircuitState.CLOSED:
            return False
        if self._state is CircuitState.HALF_OPEN:
            return self._probing
        return self._clock() - self._opened_at_s < self._reset_after_s

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Around one call. Raises CircuitOpenError instead of making it while the circuit is open.

        A call that began before the last change of state ends without a say.
        """
        self._admit()
        era = self._era
        try:
            yield
        except self._failure_types:
            if era == self._era:
                self._fail()
            raise
        except BaseException:
            if era == self._era:
                self._probing = False
            raise
        if era == self._era:
            self._succeed()

    def _admit(self) -> None:
        if self._state is CircuitState.CLOSED:
            return
        if self._state is CircuitState.OPEN:
            waited_s = self._clock() - self._opened_at_s
            if waited_s < self._reset_after_s:
                raise CircuitOpenError(f"tried again in {self._reset_after_s - waited_s:.1f} s")
            self._change(CircuitState.HALF_OPEN)
        if self._probing:
            raise CircuitOpenError("a first call is under way to see whether it is back")
        self._probing = True

    def _succeed(self) -> None:
        self._failures_in_a_row = 0
        if self._state is CircuitState.HALF_OPEN:
            self._change(CircuitState.CLOSED)

    def _fail(self) -> None:
        self._failures_in_a_row += 1
        probe_failed = self._state is CircuitState.HALF_OPEN
        if probe_failed or self._failures_in_a_row >= self._failure_threshold:
            self._opened_at_s = self._clock()
            self._change(CircuitState.OPEN)

    def _change(self, state: CircuitState) -> None:
        self._state = state
        self._failures_in_a_row = 0
        self._probing = False
        self._era += 1
        self._on_change(state)
