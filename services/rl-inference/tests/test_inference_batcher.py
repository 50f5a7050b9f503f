"""The micro-batcher: what goes together, in which order, and what is told to whom."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest
from support.inference_models import linear
from support.inference_sessions import POISON, Asked, DoublingSession, fake_model

from rl_inference.dataplane.batcher import SOONEST_RETRY_S, Batcher, BatchLimits
from rl_inference.dataplane.statistics import Statistics
from rl_inference.errors import (
    ComputationError,
    ExpiredError,
    InvalidInputError,
    OverloadedError,
)
from rl_inference.models.onnx_session import OnnxSession


def batcher(statistics: Statistics | None = None, **limits: int) -> Batcher:
    loop = asyncio.get_running_loop()
    return Batcher(loop, statistics or Statistics(), BatchLimits(**limits))


async def test_requests_of_one_tick_are_one_batch() -> None:
    session, under_test = DoublingSession(), batcher()
    model = fake_model(session)
    asked = [Asked(model, 1), Asked(model, 2, 3), Asked(model, 4)]
    for each in asked:
        under_test.submit(each.ask)
        assert not each.outcomes
    await under_test.drain()
    assert session.runs == [[1, 2, 3, 4]]
    assert [each.first for each in asked] == [[2], [4, 6], [8]]


async def test_an_answer_knows_its_batch() -> None:
    under_test, model = batcher(), fake_model()
    asked = [Asked(model, 1), Asked(model, 2, 3)]
    for each in asked:
        under_test.submit(each.ask)
    await under_test.drain()
    batches = {each.outcome.batch for each in asked}
    assert [(each.rows, each.compute_s > 0) for each in batches] == [(3, True)]


async def test_nothing_waits_for_company() -> None:
    session, under_test = DoublingSession(), batcher()
    alone = Asked(fake_model(session), 1)
    under_test.submit(alone.ask)
    await asyncio.sleep(0)
    assert alone.first == [2]


async def test_fewer_than_before_are_looked_for_once() -> None:
    session, under_test = DoublingSession(), batcher()
    model = fake_model(session)
    for value in (1, 2, 3):
        under_test.submit(Asked(model, value).ask)
    await under_test.drain()
    under_test.submit(Asked(model, 4).ask)
    await asyncio.sleep(0)
    under_test.submit(Asked(model, 5).ask)
    await asyncio.sleep(0)
    assert session.runs == [[1, 2, 3], [4, 5]]
    under_test.submit(Asked(model, 6).ask)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    under_test.submit(Asked(model, 7).ask)
    await asyncio.sleep(0)
    assert session.runs[2:] == [[6], [7]]


async def test_a_batch_is_never_over_its_limit_and_a_request_is_never_split() -> None:
    session, under_test = DoublingSession(), batcher(batches_per_tick=9)
    model = fake_model(session, max_batch_size=4)
    for values in ([1, 2, 3], [4, 5], [6], [7, 8, 9, 10]):
        under_test.submit(Asked(model, *values).ask)
    await under_test.drain()
    assert session.runs == [[1, 2, 3], [4, 5, 6], [7, 8, 9, 10]]


async def test_priority_goes_first_then_arrival() -> None:
    session, under_test = DoublingSession(), batcher()
    model = fake_model(session, max_batch_size=2)
    for value, priority in ((1, 0), (2, 5), (3, 0), (4, 9), (5, 5)):
        under_test.submit(Asked(model, value, priority=priority).ask)
    await under_test.drain()
    assert session.runs == [[4, 2], [5, 1], [3]]


async def test_what_is_past_its_deadline_is_not_computed() -> None:
    session, statistics = DoublingSession(), Statistics()
    under_test = batcher(statistics)
    model = fake_model(session)
    late = Asked(model, 1, ends_at=asyncio.get_running_loop().time() - 0.001)
    early = Asked(model, 2)
    under_test.submit(late.ask)
    under_test.submit(early.ask)
    await under_test.drain()
    assert isinstance(late.outcome, ExpiredError)
    assert (session.runs, early.first) == ([[2]], [4])
    counts = statistics.of("fake", 1)
    assert (counts.expired_count, counts.fail_count, counts.success_count) == (1, 1, 1)


async def test_a_cancelled_request_is_neither_computed_nor_told() -> None:
    session, statistics = DoublingSession(), Statistics()
    under_test = batcher(statistics)
    model = fake_model(session)
    asked = [Asked(model, value) for value in (1, 2, 3)]
    for each in asked:
        under_test.submit(each.ask)
    asked[1].ask.cancelled = True
    await under_test.drain()
    assert session.runs == [[1, 3]]
    assert [each.outcomes == [] for each in asked] == [False, True, False]
    assert (statistics.of("fake", 1).cancelled_count, under_test.waiting_rows) == (1, 0)


async def test_one_that_cancels_its_neighbour_is_obeyed() -> None:
    under_test, model = batcher(), fake_model()
    second = Asked(model, 2)
    first = Asked(model, 1)
    first.ask.done = lambda _: setattr(second.ask, "cancelled", True)
    under_test.submit(first.ask)
    under_test.submit(second.ask)
    await under_test.drain()
    assert second.outcomes == []


async def test_a_full_queue_refuses_and_says_when_to_come_back() -> None:
    statistics = Statistics()
    under_test = batcher(statistics, queued_rows=10, batches_per_tick=1)
    model = fake_model()
    taken = [Asked(model, *range(5)), Asked(model, *range(5))]
    for each in taken:
        under_test.submit(each.ask)
    with pytest.raises(OverloadedError) as caught:
        under_test.submit(Asked(model, 1).ask)
    assert caught.value.retry_after_s == SOONEST_RETRY_S
    await under_test.drain()
    under_test.submit(Asked(model, 1).ask)
    await under_test.drain()
    assert all(each.first for each in taken)
    assert statistics.of("fake", 1).rejected_count == 1


async def test_who_cannot_be_answered_in_time_is_told_at_once() -> None:
    ticks = iter(range(0, 10**15, 10**9))  # each look at the watch is a second later
    loop = asyncio.get_running_loop()
    under_test = Batcher(loop, Statistics(), BatchLimits(), stopwatch=lambda: next(ticks))
    model = fake_model()
    under_test.submit(Asked(model, 1).ask)
    await under_test.drain()
    now = loop.time()
    under_test.submit(Asked(model, 1, 2, 3, ends_at=now + 1).ask)  # nobody before it
    with pytest.raises(OverloadedError) as caught:
        under_test.submit(Asked(model, 4, ends_at=now + 2).ask)
    assert caught.value.retry_after_s >= 3
    patient, urgent = (
        Asked(model, 5, ends_at=now + 60),
        Asked(model, 6, ends_at=now + 2, priority=1),
    )
    for each in (patient, urgent):
        under_test.submit(each.ask)
    await under_test.drain()
    assert (patient.first, urgent.first) == ([10], [12])


async def test_the_time_to_come_back_is_the_measured_pace() -> None:
    ticks = iter(range(0, 10**15, 10**9))  # each look at the watch is a second later
    loop = asyncio.get_running_loop()
    limits = BatchLimits(queued_rows=8)
    under_test = Batcher(loop, Statistics(), limits, stopwatch=lambda: next(ticks))
    model = fake_model()
    under_test.submit(Asked(model, 1).ask)
    await under_test.drain()
    under_test.submit(Asked(model, *range(8)).ask)
    with pytest.raises(OverloadedError) as caught:
        under_test.submit(Asked(model, 1).ask)
    assert caught.value.retry_after_s == pytest.approx(8 * 5)
    await under_test.drain()


async def test_a_bad_request_fails_alone() -> None:
    session, statistics = DoublingSession(), Statistics()
    under_test = batcher(statistics)
    model = fake_model(session)
    asked = [Asked(model, 1), Asked(model, POISON), Asked(model, 3, 4)]
    for each in asked:
        under_test.submit(each.ask)
    await under_test.drain()
    assert isinstance(asked[1].outcome, ComputationError)
    assert (asked[0].first, asked[2].first) == ([2], [6, 8])
    counts = statistics.of("fake", 1)
    assert (counts.success_count, counts.fail_count, counts.inference_count) == (2, 1, 3)


@pytest.mark.parametrize(
    "bad",
    [
        {"x": np.ones((1, 3), np.float32)},
        {"x": np.ones((2, 2), np.float32)},
        {"x": np.ones((1, 2), np.float64)},
        {"x": np.ones((1, 2), ">f4")},
        {"other": np.ones((1, 2), np.float32)},
        {},
    ],
)
async def test_inputs_that_do_not_fit_spoil_nobody_else_s_answer(bad: dict[str, Any]) -> None:
    under_test, model = batcher(), fake_model()
    asked = [Asked(model, 1), Asked(model, 2), Asked(model, 3)]
    asked[1].ask.inputs = bad
    for each in asked:
        under_test.submit(each.ask)
    await under_test.drain()
    assert (asked[0].first, asked[2].first) == ([2], [6])
    assert len(asked[1].outcomes) == 1


async def test_a_datatype_is_refused_and_never_converted() -> None:
    under_test, model = batcher(), fake_model(OnnxSession(linear(width=2)))
    asked = [Asked(model, 1), Asked(model, 2)]
    asked[1].ask.inputs = {"x": np.ones((1, 2), np.float64)}
    for each in asked:
        under_test.submit(each.ask)
    await under_test.drain()
    assert asked[0].first == [2]
    assert isinstance(asked[1].outcome, ComputationError)


async def test_what_is_cancelled_while_a_failed_batch_is_tried_again_is_left_out() -> None:
    session, under_test = DoublingSession(), batcher()
    model = fake_model(session)
    bad, other = Asked(model, POISON), Asked(model, 2)
    bad.ask.done = lambda _: setattr(other.ask, "cancelled", True)
    under_test.submit(bad.ask)
    under_test.submit(other.ask)
    await under_test.drain()
    assert session.runs == [[POISON, 2], [POISON]]
    assert other.outcomes == []


async def test_a_model_that_gives_too_few_rows_is_an_error_for_each() -> None:
    class Short(DoublingSession):
        def run(self, inputs: Any, outputs: Any) -> list[Any]:
            return [array[:-1] for array in super().run(inputs, outputs)]

    under_test, model = batcher(), fake_model(Short())
    asked = [Asked(model, 1), Asked(model, 2)]
    for each in asked:
        under_test.submit(each.ask)
    await under_test.drain()
    assert all(isinstance(each.outcome, ComputationError) for each in asked)


async def test_each_gets_the_outputs_that_it_asked_for() -> None:
    session, under_test = DoublingSession(), batcher()
    model = fake_model(session)
    wants = [("y",), ("z",), ("z", "y"), ("y",)]
    asked = [Asked(model, 1, outputs=names) for names in wants]
    for each in asked:
        under_test.submit(each.ask)
    await under_test.drain()
    assert session.asked == [("y", "z")]
    outputs = [[float(array[0, 0]) for array in each.outcome.outputs] for each in asked]  # type: ignore[union-attr]
    assert outputs == [[2], [2], [2, 2], [2]]


async def test_a_model_without_batches_runs_one_by_one() -> None:
    session, under_test = DoublingSession(), batcher()
    model = fake_model(session, max_batch_size=0)
    asked = [Asked(model, 1), Asked(model, 2, 3)]
    for each in asked:
        under_test.submit(each.ask)
    await under_test.drain()
    assert session.runs == [[1], [2, 3]]


async def test_loaded_models_are_never_mixed() -> None:
    old, new = DoublingSession(), DoublingSession()
    under_test = batcher()
    models = [fake_model(old), fake_model(new)]
    asked = [Asked(models[value % 2], value) for value in range(6)]
    for each in asked:
        under_test.submit(each.ask)
    await under_test.drain()
    assert (old.runs, new.runs) == ([[0, 2, 4]], [[1, 3, 5]])


async def test_rows_of_other_shapes_go_apart() -> None:
    session, under_test = DoublingSession((-1, -1)), batcher()
    model = fake_model(session)
    asked = [Asked(model, 1), Asked(model, 2), Asked(model, 3, width=5), Asked(model, 4, width=5)]
    for each in asked:
        under_test.submit(each.ask)
    await under_test.drain()
    assert session.runs == [[1, 2], [3, 4]]
    assert asked[3].first == [8]


async def test_a_tick_is_bounded_and_models_take_turns() -> None:
    under_test, order = batcher(batches_per_tick=2), list[Asked]()
    busy, quiet = fake_model(max_batch_size=1), fake_model(max_batch_size=1)
    many = [Asked(busy, value, order=order) for value in range(5)]
    one = Asked(quiet, 9, order=order)
    for each in (*many, one):
        under_test.submit(each.ask)
    await asyncio.sleep(0)
    assert order == [many[0], one]
    await under_test.drain()
    assert len(order) == 6


async def test_after_a_long_batch_the_loop_has_its_turn() -> None:
    loop, clock, order = asyncio.get_running_loop(), count(step=1_000_000), list[Asked]()
    limits = BatchLimits(batches_per_tick=9, tick_ns=10_000_000)
    under_test = Batcher(loop, Statistics(), limits, stopwatch=lambda: next(clock))
    model = fake_model(max_batch_size=1)
    for value in range(5):
        under_test.submit(Asked(model, value, order=order).ask)
    await asyncio.sleep(0)
    assert 0 < len(order) < 5
    await under_test.drain()
    assert len(order) == 5


async def test_a_batch_is_no_longer_than_the_loop_may_be_kept() -> None:
    """The first is measured; those behind it come in batches of at most that long."""
    loop, clock, session = asyncio.get_running_loop(), count(step=1_000_000), DoublingSession()
    limits = BatchLimits(batches_per_tick=9, tick_ns=10**12, batch_s=0.0105)
    under_test = Batcher(loop, Statistics(), limits, stopwatch=lambda: next(clock))
    model = fake_model(session)
    under_test.submit(Asked(model, 0).ask)
    await under_test.drain()
    for value in range(1, 7):
        under_test.submit(Asked(model, value).ask)
    await under_test.drain()
    assert [len(rows) for rows in session.runs] == [1, 2, 2, 2]


@pytest.mark.parametrize("rows", [0, 9])
async def test_a_request_has_one_row_or_as_many_as_a_batch(rows: int) -> None:
    with pytest.raises(InvalidInputError):
        batcher().submit(Asked(fake_model(), *range(rows)).ask)


async def test_deliveries_hear_when_a_tick_begins_and_ends_though_a_session_fails() -> None:
    log: list[str] = []

    class Noted:
        def hold(self) -> None:
            log.append("hold")

        def release(self) -> None:
            log.append("release")

    under_test = batcher()
    under_test.tell(Noted())
    for asked in (Asked(fake_model(), 1), Asked(fake_model(), POISON)):
        asked.ask.done = lambda outcome: log.append(type(outcome).__name__)
        under_test.submit(asked.ask)
    await under_test.drain()
    assert log == ["hold", "Answer", "ComputationError", "release"]


async def test_who_is_told_may_ask_again_at_once() -> None:
    under_test, model = batcher(), fake_model()
    again = Asked(model, 2)
    first = Asked(model, 1)
    first.ask.done = lambda _: under_test.submit(again.ask)
    under_test.submit(first.ask)
    await under_test.drain()
    assert again.first == [4]


async def test_a_done_that_fails_is_reported_and_hurts_nobody() -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    under_test, model = batcher(), fake_model()
    first, second = Asked(model, 1), Asked(model, 2)

    def fail(_: object) -> None:
        raise RuntimeError("door")

    first.ask.done = fail
    under_test.submit(first.ask)
    under_test.submit(second.ask)
    await under_test.drain()
    assert second.first == [4]
    assert isinstance(reported[0]["exception"], RuntimeError)


async def test_a_model_is_let_go_with_its_last_request() -> None:
    session, under_test = DoublingSession(), batcher()
    under_test.submit(Asked(fake_model(session), 1).ask)
    assert len(under_test._lanes) == 1
    await under_test.drain()
    gc.collect()
    assert under_test._lanes == {}


async def test_statistics_count_rows_batches_and_time() -> None:
    statistics = Statistics()
    ticks: Callable[[], int] = iter(range(0, 10**9, 10)).__next__
    under_test = Batcher(asyncio.get_running_loop(), statistics, BatchLimits(), stopwatch=ticks)
    model = fake_model(max_batch_size=4)
    for values in ([1, 2], [3], [4, 5, 6]):
        under_test.submit(Asked(model, *values).ask)
    await under_test.drain()
    ((name, version, counts),) = statistics.snapshot()
    assert (name, version) == ("fake", 1)
    assert (counts.inference_count, counts.execution_count, counts.success_count) == (6, 2, 3)
    assert {rows: each.count for rows, each in counts.batches.items()} == {3: 2}
    assert (counts.input_ns, counts.compute_ns, counts.output_ns) == (30, 30, 30)
    assert counts.success_ns == 90 + counts.queue_ns
    assert list(statistics.snapshot("other")) == []
