"""`Predict`: rows of features to an ask, and quantiles of delay and probabilities back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atmr_common.contracts.risk import PredictResponse
from atmr_common.contracts.rpc_message import Tensor
from atmr_common.web.rpc_errors import InvalidArgumentError
from rl_inference.dataplane.asking import Ask
from rl_inference.doors.exchange import unanswered
from rl_inference.doors.parts import check_rows
from rl_inference.doors.policy_scoring import (
    answered,
    check_inputs,
    check_version,
    finite,
    matrix,
    served,
)
from rl_inference.errors import ComputationError

if TYPE_CHECKING:
    from atmr_common.contracts.risk import PredictRequest
    from rl_inference.dataplane.asking import Answer
    from rl_inference.doors.data_plane import DataPlane
    from rl_inference.errors import DataPlaneError
    from rl_inference.models.loaded import LoadedModel

ROWS, DELAY_S, LATE = "rows", "delay_s", "late_probability"


def prediction_ask(plane: DataPlane, message: PredictRequest, ends_at: float) -> Ask:
    """One row for each leg or service; to be asked in parts.

    Raises:
        FailedPreconditionError: when the model reads other features.
        InvalidArgumentError: when the shapes are not the model's.
        DataPlaneError: when the model does not answer.

    """
    model = plane.model(message.model, alias=message.alias)
    check_version(model, "feature_version", message.feature_version)
    inputs = {ROWS: matrix(message.rows)}
    rows = message.rows.shape[0]
    if rows == 0:
        raise InvalidArgumentError("rows holds no row")
    check_inputs(model, inputs)
    check_rows(model, rows)
    return Ask(
        model=model,
        inputs=inputs,
        outputs=_outputs(model),
        rows=rows,
        done=unanswered,
        ends_at=ends_at,
    )


def prediction_response(outcome: Answer | DataPlaneError) -> PredictResponse:
    """Delays at the levels of the model's card, and probabilities where it computes them.

    Raises:
        DataPlaneError: what the plane answered, or when the outputs are not those of the card.

    """
    answer = answered(outcome)
    card = answer.model.card
    delay_s = finite(answer, 0)
    if delay_s.ndim != 2 or delay_s.shape[1] != len(card.levels):  # noqa: PLR2004 (a matrix)
        raise ComputationError(f"'{answer.model.name}' does not compute the levels of its card")
    late = finite(answer, 1).reshape(-1).tolist() if len(answer.outputs) > 1 else ()
    return PredictResponse(
        levels=card.levels,
        delay_s=Tensor(shape=delay_s.shape, values=tuple(delay_s.reshape(-1).tolist())),
        late_probabilities=tuple(late),
        calibrated=card.calibrated,
        feature_version=card.feature_version or 0,
        model=served(answer.model),
        degraded=answer.model.degraded,
    )


def _outputs(model: LoadedModel) -> tuple[str, ...]:
    names = {spec.name for spec in model.session.outputs}
    return (DELAY_S, LATE) if LATE in names else (DELAY_S,)
