"""The figures under our names and under Triton's, each in its unit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from support.inference_models import publish
from support.inference_sessions import fake_model

from rl_inference.dataplane.plane import DataPlane
from rl_inference.dataplane.registry import Registry
from rl_inference.metrics import ModelMetrics
from rl_inference.models.loading import LoadOptions
from rl_inference.models.repository import Repository


async def plane(root: Path) -> DataPlane:
    """One version that is degraded."""

    def loading(*_: Any) -> Any:
        return replace(fake_model(), name="linear", degraded="gpu_unavailable")

    publish(root, 1)
    registry = Registry(Repository(root), LoadOptions(), loading=loading)
    await registry.refresh()
    return DataPlane(registry)


async def test_durations_are_seconds_for_us_and_microseconds_for_triton(tmp_path: Path) -> None:
    under_test = await plane(tmp_path)
    counts = under_test.statistics.of("linear", 1)
    counts.success_ns, counts.queue_ns, counts.compute_ns = 2_500_000_000, 3_000, 4_000_000
    counts.success_count, counts.inference_count, counts.expired_count = 5, 7, 2
    found = {
        sample.name: sample.value
        for family in ModelMetrics(under_test).collect()
        for sample in family.samples
    }
    assert found["atmr_inference_seconds_total"] == 2.5
    assert found["atmr_inference_queue_seconds_total"] == 3e-6
    assert found["atmr_inference_expired_total"] == 2
    assert found["nv_inference_request_duration_us"] == 2_500_000
    assert found["nv_inference_queue_duration_us"] == 3
    assert found["nv_inference_compute_infer_duration_us"] == 4_000
    assert (found["nv_inference_request_success"], found["nv_inference_count"]) == (5, 7)


async def test_what_really_computes_is_said(tmp_path: Path) -> None:
    under_test = await plane(tmp_path)
    families = {family.name: family for family in ModelMetrics(under_test).collect()}
    (sample,) = families["atmr_inference_model_live"].samples
    assert sample.labels == {
        "model": "linear",
        "version": "1",
        "provider": "CPUExecutionProvider",
        "degraded": "gpu_unavailable",
    }
    await under_test.registry.unload("linear")
    families = {family.name: family for family in ModelMetrics(under_test).collect()}
    assert families["atmr_inference_model_live"].samples == []
