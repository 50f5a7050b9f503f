"""The first runs of a session, before anybody is answered: a warm-up, and its golden cases."""

from __future__ import annotations

from math import isnan, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_inference.errors import ComputationError
from rl_inference.models.card import GoldenCase, ModelCard
from rl_inference.models.refusals import RefusedModelError
from rl_inference.models.session import Session
from rl_inference.models.strings import as_bytes
from rl_inference.tensors import ANY, NUMPY, Tensors, TensorSpec

MOST_TENSOR_BYTES = 2**28
"""Of a full batch: to try what is larger might end the process."""


def warm_up(session: Session, card: ModelCard, max_batch_size: int) -> None:
    """Run single and full batches of zeros, and look at what comes out.

    Raises:
        RefusedModelError: `too_large`, `warm_up_failed`, or `not_finite` for a model whose numbers
            are used as such (a policy, a delay model).

    """
    _require_room(session, max(1, max_batch_size))
    for rows in sorted({1, max(1, max_batch_size)}):
        inputs = {spec.name: _zeros(spec, rows) for spec in session.inputs}
        found = _outputs(session, inputs, "warm_up_failed")
        for spec in session.outputs:
            array = found[spec.name]
            shape = (rows, *spec.shape[1:]) if max_batch_size else spec.shape
            expected = TensorSpec(spec.name, spec.datatype, shape)
            if not expected.fits(array.shape) or array.dtype != NUMPY[spec.datatype]:
                raise RefusedModelError(
                    "warm_up_failed",
                    f"{rows} rows gave {spec.name} as {array.dtype} {list(array.shape)}.",
                )
            if card.kind != "other":
                _require_finite(spec.name, array)


def check_golden(session: Session, card: ModelCard) -> None:
    """Compute the card's golden cases, and compare.

    Raises:
        RefusedModelError: `golden_mismatch`, `not_finite`, or `card_invalid` for a case that does
            not fit the model.

    """
    for number, case in enumerate(card.golden, start=1):
        inputs = _arrays(session.inputs, case.inputs, f"golden case {number}")
        expected = _arrays(session.outputs, case.outputs, f"golden case {number}")
        found = _outputs(session, inputs, "golden_mismatch")
        for name, array in expected.items():
            _compare(f"{name} of golden case {number}", found[name], array, case.tolerance)


def golden_case(session: Session, inputs: Tensors, tolerance: float) -> GoldenCase:
    """A case with what the session gives now."""
    found = _outputs(session, inputs, "golden_mismatch")
    return GoldenCase(
        inputs={name: array.tolist() for name, array in inputs.items()},
        outputs={name: array.tolist() for name, array in found.items()},
        tolerance=tolerance,
    )


def _require_room(session: Session, rows: int) -> None:
    """Refuse tensors by their configuration, before memory is asked for."""
    for spec in (*session.inputs, *session.outputs):
        size = prod(_smallest(spec, rows)) * NUMPY[spec.datatype].itemsize
        if size > MOST_TENSOR_BYTES:
            raise RefusedModelError(
                "too_large",
                f"{spec.name} of {rows} rows has {size} bytes; {MOST_TENSOR_BYTES} are allowed.",
            )


def _smallest(spec: TensorSpec, rows: int) -> tuple[int, ...]:
    """The smallest shape that fits; a first dimension that is open has `rows`."""
    shape = tuple(1 if length == ANY else length for length in spec.shape)
    return (rows, *shape[1:]) if spec.shape and spec.shape[0] == ANY else shape


def _zeros(spec: TensorSpec, rows: int) -> NDArray[Any]:
    shape = _smallest(spec, rows)
    if spec.datatype == "BYTES":
        return np.full(shape, b"0", dtype=np.object_)
    return np.zeros(shape, dtype=NUMPY[spec.datatype])


def _outputs(session: Session, inputs: Tensors, reason: Any) -> dict[str, NDArray[Any]]:
    names = [spec.name for spec in session.outputs]
    try:
        return dict(zip(names, session.run(inputs, names), strict=True))
    except ComputationError as error:
        raise RefusedModelError(reason, str(error)) from error


def _arrays(
    specs: tuple[TensorSpec, ...], values: dict[str, list[object]], where: str
) -> dict[str, NDArray[Any]]:
    if values.keys() != {spec.name for spec in specs}:
        raise RefusedModelError("card_invalid", f"The tensors of {where} are not the model's.")
    try:
        arrays = {spec.name: _array(spec, values[spec.name]) for spec in specs}
    except (ValueError, TypeError, OverflowError) as error:
        raise RefusedModelError("card_invalid", f"The numbers of {where}: {error}") from error
    for spec in specs:
        if not spec.fits(arrays[spec.name].shape):
            raise RefusedModelError("card_invalid", f"The shape of {spec.name} in {where}.")
    return arrays


def _array(spec: TensorSpec, values: list[object]) -> NDArray[Any]:
    return as_bytes(np.array(values, dtype=NUMPY[spec.datatype]))


def _compare(what: str, found: NDArray[Any], expected: NDArray[Any], tolerance: float) -> None:
    if found.shape != expected.shape:
        raise RefusedModelError(
            "golden_mismatch", f"{what}: {list(found.shape)}, not {list(expected.shape)}."
        )
    if found.dtype.kind != "f":
        if not np.array_equal(found, expected):
            raise RefusedModelError("golden_mismatch", f"{what} is another.")
        return
    _require_finite(what, found)
    scale = np.maximum(1.0, np.abs(expected, dtype=np.float64))
    worst = float(np.max(np.abs(found.astype(np.float64) - expected) / scale, initial=0.0))
    if not worst <= tolerance or isnan(worst):
        raise RefusedModelError(
            "golden_mismatch", f"{what} is off by {worst:.3g}; {tolerance:.3g} is allowed."
        )


def _require_finite(what: str, array: NDArray[Any]) -> None:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise RefusedModelError("not_finite", f"{what} is not finite.")
