"""What a door asks of the data plane, and what it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rl_inference.errors import DataPlaneError
    from rl_inference.models.loaded import LoadedModel
    from rl_inference.tensors import Tensors


class Batch(NamedTuple):
    """What was computed together."""

    rows: int
    compute_s: float


@dataclass(slots=True, kw_only=True)
class Answer:
    """The outputs asked for, in the order asked for, and the version that computed them."""

    model: LoadedModel
    outputs: list[NDArray[Any]]
    batch: Batch | None = None
    """None where several were joined."""


@dataclass(slots=True, kw_only=True)
class Ask:
    """One request for an inference, which a door made and checked for its own protocol.

    `done` is called once, on the loop's thread, with the answer or the error; never from within
    `submit`. `ends_at` is on the loop's clock. A cancelled ask is not computed and not told.
    """

    model: LoadedModel
    inputs: Tensors
    outputs: tuple[str, ...]
    rows: int
    done: Callable[[Answer | DataPlaneError], None]
    ends_at: float
    priority: int = 0
    """A larger number goes first."""
    cancelled: bool = field(default=False)
    asked_at: float = 0.0
    """Set by the data plane, on the loop's clock."""
