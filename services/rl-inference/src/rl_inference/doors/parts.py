"""A call of more rows than a model computes together: asked part by part, joined in order.

One part waits at a time, so that a long call neither fills the queue nor keeps others waiting.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from atmr_common.web.rpc_errors import InvalidArgumentError
from rl_inference.dataplane.asking import Answer
from rl_inference.doors.exchange import Outcome, outcome_of
from rl_inference.errors import DataPlaneError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rl_inference.dataplane.asking import Ask
    from rl_inference.doors.data_plane import DataPlane
    from rl_inference.models.loaded import LoadedModel

MOST_ROWS = 4096
"""Of one call; at 201 candidates a decision, twenty decisions."""


def rows_at_once(model: LoadedModel) -> int:
    """How many rows one ask may have."""
    return max(model.max_batch_size, 1)


def check_rows(model: LoadedModel, rows: int) -> None:
    """Refuse more rows than a call may hold.

    Raises:
        InvalidArgumentError: naming both numbers.

    """
    if rows > MOST_ROWS:
        raise InvalidArgumentError(
            f"{rows} rows were sent for '{model.name}'; a call may hold {MOST_ROWS}"
        )


async def outcome_in_parts(plane: DataPlane, ask: Ask) -> Outcome:
    """The outcome of an ask with any number of rows; the first error ends it.

    Every part is computed by the version of the ask, whatever becomes the champion meanwhile.
    """
    if ask.rows <= rows_at_once(ask.model):
        return await outcome_of(plane, ask)
    answers: list[Answer] = []
    for part in _parts(ask):
        outcome = await outcome_of(plane, part)
        if isinstance(outcome, DataPlaneError):
            return outcome
        answers.append(outcome)
    columns = zip(*(answer.outputs for answer in answers), strict=True)
    return Answer(model=ask.model, outputs=[np.concatenate(column) for column in columns])


def _parts(ask: Ask) -> Iterator[Ask]:
    size = rows_at_once(ask.model)
    for start in range(0, ask.rows, size):
        stop = min(start + size, ask.rows)
        inputs = {name: array[start:stop] for name, array in ask.inputs.items()}
        yield replace(ask, inputs=inputs, rows=stop - start)
