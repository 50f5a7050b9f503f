"""`ScoreCandidates`: a message to an ask for the allowed candidates alone, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from atmr_common.contracts.policy import ScoreCandidatesResponse, ServedModel
from atmr_common.web.rpc_errors import FailedPreconditionError, InvalidArgumentError
from rl_inference.dataplane.asking import Ask
from rl_inference.doors.exchange import unanswered
from rl_inference.doors.parts import check_rows
from rl_inference.errors import ComputationError, DataPlaneError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atmr_common.contracts.policy import ScoreCandidatesRequest
    from atmr_common.contracts.rpc_message import Tensor
    from rl_inference.dataplane.asking import Answer
    from rl_inference.doors.data_plane import DataPlane
    from rl_inference.models.loaded import LoadedModel

CANDIDATES, CONTEXT, SCORES = "candidates", "context", "scores"


def scoring_ask(plane: DataPlane, message: ScoreCandidatesRequest, ends_at: float) -> Ask:
    """One row for each allowed candidate, each with the context beside it; to be asked in parts.

    Raises:
        FailedPreconditionError: when the model speaks another codec.
        InvalidArgumentError: when the shapes are not the model's.
        DataPlaneError: when the model does not answer.

    """
    model = plane.model(message.model, alias=message.alias)
    check_version(model, "codec_version", message.codec_version)
    candidates = matrix(message.candidates)[np.array(message.mask, dtype=np.bool_)]
    context = np.array(message.context.values, dtype=np.float32)
    rows = len(candidates)
    inputs = {CANDIDATES: candidates, CONTEXT: np.repeat(context[np.newaxis], rows, axis=0)}
    check_inputs(model, inputs)
    check_rows(model, rows)
    return Ask(
        model=model,
        inputs=inputs,
        outputs=(SCORES,),
        rows=rows,
        done=unanswered,
        ends_at=ends_at,
    )


def scoring_response(outcome: Answer | DataPlaneError) -> ScoreCandidatesResponse:
    """The scores in the order of the allowed candidates.

    Raises:
        DataPlaneError: what the plane answered, or when a score is no finite number.

    """
    answer = answered(outcome)
    scores = finite(answer, 0).reshape(-1)
    return ScoreCandidatesResponse(
        scores=tuple(scores.tolist()),
        codec_version=answer.model.card.codec_version or 0,
        model=served(answer.model),
        degraded=answer.model.degraded,
    )


def check_version(model: LoadedModel, field: str, told: int) -> None:
    """Refuse a caller that encodes otherwise than the card's `field` says of the model."""
    spoken = getattr(model.card, field)
    if spoken != told:
        raise FailedPreconditionError(
            f"{field} is {told}; version {model.version} of '{model.name}' speaks {spoken}",
            reason=f"{field}_mismatch",
        )


def check_inputs(model: LoadedModel, inputs: dict[str, NDArray[np.float32]]) -> None:
    """Refuse arrays that are not the inputs of the model."""
    specs = {spec.name: spec for spec in model.session.inputs}
    if specs.keys() != inputs.keys():
        names = ", ".join(sorted(specs))
        raise FailedPreconditionError(f"'{model.name}' is no such model: its inputs are {names}")
    for name, array in inputs.items():
        if not specs[name].fits(array.shape):
            expected, found = list(specs[name].shape[1:]), list(array.shape[1:])
            raise InvalidArgumentError(f"{name}: a row has the shape {found}, not {expected}")


def matrix(tensor: Tensor) -> NDArray[np.float32]:
    """The tensor's values in its shape, as models take them."""
    return np.array(tensor.values, dtype=np.float32).reshape(tensor.shape)


def answered(outcome: Answer | DataPlaneError) -> Answer:
    """The answer; an error is raised."""
    if isinstance(outcome, DataPlaneError):
        raise outcome
    return outcome


def finite(answer: Answer, position: int) -> NDArray[np.float32]:
    """An output, if it holds numbers alone."""
    output = answer.outputs[position]
    if not np.isfinite(output).all():
        raise ComputationError(f"'{answer.model.name}' computed what is no finite number")
    return output


def served(model: LoadedModel) -> ServedModel:
    """Who answered."""
    return ServedModel(name=model.name, version=model.version, provider=model.session.provider)
