"""What the protocol's metadata, configuration, statistics and index say of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rl_inference.doors.data_plane import Counts, IndexEntry
    from rl_inference.models.loaded import LoadedModel
    from rl_inference.tensors import TensorSpec

EXTENSIONS = [
    "binary_tensor_data",
    "model_repository",
    "model_configuration",
    "schedule_policy",
    "statistics",
    "parameters",
]
READY = "READY"


def metadata(model: LoadedModel, versions: Sequence[int]) -> dict[str, Any]:
    """The metadata of a version; `parameters` say what it is and what really computes it."""
    return {
        "name": model.name,
        "versions": [str(version) for version in versions],
        "platform": model.session.platform,
        "inputs": [_tensor(spec) for spec in model.session.inputs],
        "outputs": [_tensor(spec) for spec in model.session.outputs],
        "parameters": _parameters(model),
    }


def configuration(model: LoadedModel) -> dict[str, Any]:
    """The configuration in Triton's JSON; dimensions come without the batch's."""
    batches = model.max_batch_size > 0
    return {
        "name": model.name,
        "platform": model.session.platform,
        "backend": model.session.platform.partition("_")[0],
        "max_batch_size": model.max_batch_size,
        "input": [_configured(spec, batches=batches) for spec in model.session.inputs],
        "output": [_configured(spec, batches=batches) for spec in model.session.outputs],
        "version_policy": {"specific": {"versions": [model.version]}},
        "parameters": {
            name: {"string_value": str(value)} for name, value in _parameters(model).items()
        },
    }


def statistics(snapshot: Iterable[tuple[str, int, Counts]]) -> dict[str, Any]:
    """The statistics of versions."""
    return {"model_stats": [_statistics(*version) for version in snapshot]}


def index(entries: Iterable[IndexEntry], *, ready_only: bool) -> list[dict[str, str]]:
    """The repository's versions; `reason` says why one is not ready."""
    return [
        {
            "name": entry.name,
            "version": "" if entry.version is None else str(entry.version),
            "state": entry.state,
            "reason": entry.reason or "",
        }
        for entry in entries
        if entry.state == READY or not ready_only
    ]


def _parameters(model: LoadedModel) -> dict[str, str | int | float | bool]:
    card = model.card
    known = {
        "provider": model.session.provider,
        "degraded": model.degraded,
        "batch_invariant": model.batch_invariant,
        "precision": card.precision,
        "agreement": None if card.agreement is None else card.agreement.share,
        "kind": card.kind,
        "trained": card.trained,
        "synthetic": card.synthetic,
        "checksum": card.checksum,
        "codec_version": card.codec_version,
        "feature_version": card.feature_version,
    }
    return {name: value for name, value in known.items() if value is not None}


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "datatype": spec.datatype, "shape": list(spec.shape)}


def _configured(spec: TensorSpec, *, batches: bool) -> dict[str, Any]:
    kind = "STRING" if spec.datatype == "BYTES" else spec.datatype
    dims = list(spec.shape[1:] if batches else spec.shape)
    return {"name": spec.name, "data_type": f"TYPE_{kind}", "dims": dims}


def _statistics(name: str, version: int, counts: Counts) -> dict[str, Any]:
    answered, computed = counts.success_count + counts.fail_count, counts.success_count
    return {
        "name": name,
        "version": str(version),
        "inference_count": counts.inference_count,
        "execution_count": counts.execution_count,
        "inference_stats": {
            "success": _duration(counts.success_count, counts.success_ns),
            "fail": _duration(counts.fail_count, counts.fail_ns),
            "queue": _duration(answered, counts.queue_ns),
            "compute_input": _duration(computed, counts.input_ns),
            "compute_infer": _duration(computed, counts.compute_ns),
            "compute_output": _duration(computed, counts.output_ns),
        },
        "batch_stats": [
            {"batch_size": rows, "compute_infer": _duration(batch.count, batch.compute_ns)}
            for rows, batch in sorted(counts.batches.items())
        ],
    }


def _duration(count: int, nanoseconds: int) -> dict[str, int]:
    return {"count": count, "ns": nanoseconds}
