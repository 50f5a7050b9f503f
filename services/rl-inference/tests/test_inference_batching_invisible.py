"""Batching is invisible: whatever is asked together, each answer is to the bit what it is alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.inference_models import identity
from support.inference_sessions import FAR, fake_model

from rl_inference.dataplane.asking import Answer, Ask
from rl_inference.dataplane.batcher import Batcher, BatchLimits
from rl_inference.dataplane.statistics import Statistics
from rl_inference.errors import DataPlaneError
from rl_inference.models.onnx_session import OnnxSession
from rl_inference.models.untrained import PolicySizes, untrained_policy

SIZES = PolicySizes(max_batch_size=16)
POLICY = OnnxSession(untrained_policy(SIZES, 11))
ROWS = np.random.default_rng(5).standard_normal((256, 64), dtype=np.float32)


@dataclass
class Request:
    first: int
    rows: int
    priority: int
    cancelled: bool
    new_tick: bool
    told: list[Answer | DataPlaneError] = field(default_factory=list)

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        mine = ROWS[self.first : self.first + self.rows]
        return {"candidates": mine[:, :40].copy(), "context": mine[:, 40:].copy()}


requests = st.lists(
    st.builds(
        Request,
        first=st.integers(0, 240),
        rows=st.integers(1, 16),
        priority=st.integers(0, 2),
        cancelled=st.booleans(),
        new_tick=st.booleans(),
    ),
    min_size=1,
    max_size=24,
)


async def answered(drawn: list[Request]) -> None:
    loop = asyncio.get_running_loop()
    batcher = Batcher(loop, Statistics(), BatchLimits(batches_per_tick=2))
    model = fake_model(POLICY, max_batch_size=SIZES.max_batch_size)
    for each in drawn:
        ask = Ask(
            model=model,
            inputs=each.inputs,
            outputs=("scores",),
            rows=each.rows,
            done=each.told.append,
            ends_at=FAR,
            priority=each.priority,
        )
        batcher.submit(ask)
        ask.cancelled = each.cancelled
        if each.new_tick:
            await asyncio.sleep(0)
    await batcher.drain()


@settings(max_examples=200, deadline=None)
@given(requests)
def test_each_answer_is_to_the_bit_what_it_is_alone(drawn: list[Request]) -> None:
    asyncio.run(answered(drawn))
    for each in drawn:
        if each.cancelled:
            assert each.told == []
            continue
        (told,) = each.told
        assert isinstance(told, Answer)
        inputs = each.inputs
        alone = [
            POLICY.run({name: array[row : row + 1] for name, array in inputs.items()}, ["scores"])
            for row in range(each.rows)
        ]
        expected = np.concatenate([outputs[0] for outputs in alone])
        assert np.array_equal(told.outputs[0].view(np.int32), expected.view(np.int32))


async def test_answers_outlive_the_memory_that_batches_share() -> None:
    """An identity might give the input's memory back, which the next batch overwrites."""
    batcher = Batcher(asyncio.get_running_loop(), Statistics(), BatchLimits())
    model = fake_model(OnnxSession(identity()), max_batch_size=4)
    told: list[Answer | DataPlaneError] = []
    for value in range(8):
        inputs = {"x": np.full((1, 3), value, np.float32)}
        batcher.submit(
            Ask(model=model, inputs=inputs, outputs=("y",), rows=1, done=told.append, ends_at=FAR)
        )
    await batcher.drain()
    assert [float(each.outputs[0][0, 0]) for each in told if isinstance(each, Answer)] == [
        *range(8)
    ]


async def test_texts_are_batched_too() -> None:
    batcher = Batcher(asyncio.get_running_loop(), Statistics(), BatchLimits())
    session = OnnxSession(identity("BYTES", ["rows", 1]))
    model = fake_model(session, max_batch_size=4)
    told: list[Answer | DataPlaneError] = []
    for text in (b"a", b"b", b"c"):
        inputs = {"x": np.array([[text]], dtype=np.object_)}
        batcher.submit(
            Ask(model=model, inputs=inputs, outputs=("y",), rows=1, done=told.append, ends_at=FAR)
        )
    await batcher.drain()
    assert [each.outputs[0].tolist() for each in told if isinstance(each, Answer)] == [
        [[b"a"]],
        [[b"b"]],
        [[b"c"]],
    ]
