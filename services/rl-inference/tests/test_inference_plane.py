"""The facade, and the promise of the whole: models are swapped under load, and nobody notices."""

from __future__ import annotations

import asyncio
import shutil
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.inference_models import linear, publish
from support.inference_sessions import FAR, DoublingSession, fake_model

from rl_inference.dataplane.asking import Answer
from rl_inference.dataplane.batcher import BatchLimits
from rl_inference.dataplane.plane import DataPlane
from rl_inference.dataplane.registry import Registry
from rl_inference.dataplane.statistics import MOST_GONE
from rl_inference.errors import ComputationError, ExpiredError, OverloadedError
from rl_inference.models.loading import LoadOptions
from rl_inference.models.repository import Repository

SWAPS = 40


def plane(root: Path, **limits: int) -> DataPlane:
    return DataPlane(Registry(Repository(root), LoadOptions()), limits=BatchLimits(**limits))


def row(*values: float) -> dict[str, np.ndarray]:
    return {"x": np.array([values], np.float32)}


async def test_an_answer_comes_with_the_version_that_gave_it(tmp_path: Path) -> None:
    publish(tmp_path, 3)
    under_test = plane(tmp_path)
    await under_test.registry.refresh()
    model = under_test.model("linear")
    answer = await under_test.infer(model, row(1, 2, 3), ("z", "y"), 1, FAR)
    assert answer.model is model
    assert [array.tolist() for array in answer.outputs] == [[[3, 4, 5]], [[2, 4, 6]]]
    ((name, version, counts),) = under_test.counts("linear")
    assert (name, version, counts.success_count) == ("linear", 3, 1)
    assert under_test.ready("linear")


async def test_errors_reach_who_asked(tmp_path: Path) -> None:
    under_test = plane(tmp_path, queued_rows=1)
    model = fake_model()
    with pytest.raises(ExpiredError):
        await under_test.infer(model, row(1, 1), ("y",), 1, 0.0)
    with pytest.raises(ComputationError):
        await under_test.infer(model, row(1, 1), ("nothing",), 1, FAR)
    first = asyncio.create_task(under_test.infer(model, row(1, 1), ("y",), 1, FAR))
    second = asyncio.create_task(under_test.infer(model, row(1, 1), ("y",), 1, FAR))
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert isinstance(outcomes[0], Answer)
    assert isinstance(outcomes[1], OverloadedError)


async def test_who_is_cancelled_takes_the_request_back(tmp_path: Path) -> None:
    session = DoublingSession()
    under_test = plane(tmp_path, batches_per_tick=1)
    model = fake_model(session, max_batch_size=1)
    tasks = [
        asyncio.create_task(under_test.infer(model, row(value, 0), ("y",), 1, FAR))
        for value in range(3)
    ]
    asyncio.get_running_loop().call_soon(tasks[2].cancel)
    gathered = await asyncio.gather(*tasks, return_exceptions=True)
    await under_test.drain()
    assert [isinstance(each, Answer) for each in gathered] == [True, True, False]
    assert session.runs == [[0], [1]]


async def test_models_are_swapped_under_load_and_no_request_fails(tmp_path: Path) -> None:
    publish(tmp_path, 1, linear(1.0))
    under_test = plane(tmp_path)
    await under_test.registry.refresh()
    finished = asyncio.Event()
    answered: dict[int, int] = {}

    async def ask_on() -> None:
        while not finished.is_set():
            model = under_test.model("linear")
            await asyncio.sleep(0)  # a door is still reading when the model is swapped
            answer = await under_test.infer(model, row(1, 1, 1), ("y",), 1, FAR)
            assert float(answer.outputs[0][0, 0]) == float(answer.model.version)
            answered[answer.model.version] = answered.get(answer.model.version, 0) + 1

    async def swap() -> None:
        try:
            for version in range(2, SWAPS + 2):
                publish(tmp_path, version, linear(float(version)))
                shutil.rmtree(tmp_path / "linear" / str(version - 1))
                await under_test.registry.refresh()
                assert under_test.model("linear").version == version
        finally:
            finished.set()

    await asyncio.gather(swap(), *(ask_on() for _ in range(16)))
    await under_test.drain()
    assert len(answered) > SWAPS / 2
    counted = list(under_test.counts())
    assert sum(counts.fail_count for _, _, counts in counted) == 0
    assert sum(counts.success_count for _, _, counts in counted) == sum(answered.values())
    assert len(under_test.batcher._lanes) <= 2


async def test_what_waits_when_all_is_closed_is_still_answered(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    under_test = plane(tmp_path)
    await under_test.registry.refresh()
    model = under_test.model("linear")
    session = weakref.ref(model)
    waiting = [
        asyncio.create_task(under_test.infer(model, row(value, 0, 0), ("y",), 1, FAR))
        for value in range(3)
    ]
    await asyncio.sleep(0)  # asked, and not computed yet
    del model
    await under_test.registry.close()
    assert [float((await each).outputs[0][0, 0]) for each in waiting] == [0, 2, 4]
    waiting.clear()
    await asyncio.sleep(0)  # the loop lets go of what was awaited last
    assert session() is None
    assert not under_test.ready("linear")


async def test_the_counts_of_versions_that_went_are_bounded(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    under_test = plane(tmp_path)
    await under_test.registry.refresh()
    first = under_test.model("linear")
    await under_test.infer(first, row(1, 1, 1), ("y",), 1, FAR)
    for version in range(2, 2 + 2 * MOST_GONE):
        await under_test.infer(replace(first, version=version), row(1, 1, 1), ("y",), 1, FAR)
    counted = [version for _, version, _ in under_test.counts()]
    assert len(counted) == MOST_GONE + 2
    assert counted[0] == 1
    assert counted[-1] == 1 + 2 * MOST_GONE
    await under_test.registry.unload("linear")
    assert under_test.registry.remembers("linear", 1)
