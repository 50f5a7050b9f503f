"""The circuit breaker's states, with a clock that the test moves."""

from __future__ import annotations

import asyncio

import pytest

from atmr_common.runtime.circuit_breaker import CircuitBreaker, CircuitOpenError, CircuitState


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Circuit:
    """A breaker that opens after two failures for ten seconds, and what it told."""

    def __init__(self) -> None:
        self.clock = Seconds()
        self.changes: list[CircuitState] = []
        self.breaker = CircuitBreaker(
            failure_threshold=2,
            reset_after_s=10,
            clock=self.clock,
            failures=(OSError,),
            on_change=self.changes.append,
        )

    def succeed(self) -> None:
        with self.breaker.guard():
            pass

    def fail(self, failure: BaseException | None = None) -> None:
        failure = failure or OSError()
        with pytest.raises(type(failure)), self.breaker.guard():
            raise failure

    def opened(self) -> Circuit:
        self.fail()
        self.fail()
        return self


def test_stays_closed_below_the_threshold() -> None:
    circuit = Circuit()
    circuit.fail()
    circuit.succeed()
    circuit.fail()
    circuit.succeed()
    assert circuit.breaker.state is CircuitState.CLOSED
    assert circuit.changes == []


def test_opens_after_failures_in_a_row_and_makes_no_call() -> None:
    circuit = Circuit().opened()
    called = False
    with pytest.raises(CircuitOpenError, match=r"again in 10\.0 s"), circuit.breaker.guard():
        called = True
    assert not called
    assert circuit.changes == [CircuitState.OPEN]


def test_half_opens_exactly_when_the_time_is_over() -> None:
    circuit = Circuit().opened()
    circuit.clock.now += 9.99
    with pytest.raises(CircuitOpenError), circuit.breaker.guard():
        pass
    circuit.clock.now += 0.01
    circuit.succeed()
    assert circuit.changes == [CircuitState.OPEN, CircuitState.HALF_OPEN, CircuitState.CLOSED]


def test_tells_beforehand_whether_it_refuses() -> None:
    circuit = Circuit()
    assert not circuit.breaker.refuses
    circuit.opened()
    assert circuit.breaker.refuses
    circuit.clock.now += 10
    assert not circuit.breaker.refuses
    with circuit.breaker.guard():
        assert circuit.breaker.refuses
    assert not circuit.breaker.refuses


def test_half_open_lets_one_call_through() -> None:
    circuit = Circuit().opened()
    circuit.clock.now += 10
    with circuit.breaker.guard():
        assert circuit.breaker.state is CircuitState.HALF_OPEN
        with pytest.raises(CircuitOpenError, match="under way"), circuit.breaker.guard():
            pass
    circuit.succeed()
    assert circuit.breaker.state is CircuitState.CLOSED


def test_a_failed_probe_opens_again_for_the_whole_time() -> None:
    circuit = Circuit().opened()
    circuit.clock.now += 10
    circuit.fail()
    circuit.clock.now += 9.99
    with pytest.raises(CircuitOpenError), circuit.breaker.guard():
        pass
    circuit.clock.now += 0.01
    circuit.succeed()
    assert circuit.breaker.state is CircuitState.CLOSED


def test_failures_before_the_opening_do_not_count_after_it() -> None:
    circuit = Circuit().opened()
    circuit.clock.now += 10
    circuit.succeed()
    circuit.fail()
    assert circuit.breaker.state is CircuitState.CLOSED


@pytest.mark.parametrize("other", [KeyError(), asyncio.CancelledError()])
def test_other_exceptions_prove_nothing(other: BaseException) -> None:
    circuit = Circuit()
    circuit.fail()
    circuit.fail(other)
    assert circuit.breaker.state is CircuitState.CLOSED
    circuit.fail()
    assert circuit.breaker.state is CircuitState.OPEN


def test_a_cancelled_probe_frees_its_place() -> None:
    circuit = Circuit().opened()
    circuit.clock.now += 10
    circuit.fail(asyncio.CancelledError())
    circuit.succeed()
    assert circuit.breaker.state is CircuitState.CLOSED


def test_a_success_from_before_the_opening_does_not_close_it() -> None:
    circuit = Circuit()
    with circuit.breaker.guard():
        circuit.opened()
    assert circuit.breaker.state is CircuitState.OPEN


def test_a_failure_from_before_the_opening_does_not_count_after_the_recovery() -> None:
    circuit = Circuit()

    def slow_call() -> None:
        with circuit.breaker.guard():
            circuit.opened()
            circuit.clock.now += 10
            circuit.succeed()
            raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - the breaker lets the call's own error through
        slow_call()
    circuit.fail()
    assert circuit.breaker.state is CircuitState.CLOSED
