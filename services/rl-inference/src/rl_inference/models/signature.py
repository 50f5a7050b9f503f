"""Whether a session has the tensors that its configuration promises to clients."""

from __future__ import annotations

from collections.abc import Sequence

from rl_inference.models.config_pbtxt import ModelConfig, TensorConfig
from rl_inference.models.refusals import RefusedModelError
from rl_inference.models.session import Session
from rl_inference.tensors import TensorSpec


def agree(session: Session, config: ModelConfig) -> None:
    """Raise for a difference; afterwards the session's tensors are in the configuration's words.

    A dimension that the model leaves open may be fixed by the configuration, not the reverse.

    Raises:
        RefusedModelError: `signature_mismatch`, naming the tensor.

    """
    session.inputs = _agreed("input", session.inputs, config, config.inputs)
    session.outputs = _agreed("output", session.outputs, config, config.outputs)


def _agreed(
    side: str,
    found: Sequence[TensorSpec],
    config: ModelConfig,
    promised: Sequence[TensorConfig],
) -> tuple[TensorSpec, ...]:
    by_name = {spec.name: spec for spec in found}
    specs = tuple(config.spec(tensor) for tensor in promised)
    if by_name.keys() != {spec.name for spec in specs}:
        _refuse(f"config.pbtxt has the {side}s {_names(specs)}, the model {_names(found)}.")
    for spec in specs:
        own = by_name[spec.name]
        if own.datatype != spec.datatype:
            _refuse(f"{spec.name} is {spec.datatype} in config.pbtxt, {own.datatype} in the model.")
        if not own.fits(spec.shape):
            _refuse(
                f"{spec.name} has the shape {list(spec.shape)} by config.pbtxt,"
                f" {list(own.shape)} in the model."
            )
    return specs


def _names(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(sorted(spec.name for spec in specs))


def _refuse(message: str) -> None:
    raise RefusedModelError("signature_mismatch", message)
