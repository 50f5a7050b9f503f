"""A version of a model that passed every check and can answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rl_inference.models.card import ModelCard
    from rl_inference.models.session import Session


@dataclass(frozen=True, slots=True, weakref_slot=True, kw_only=True, eq=False)
class LoadedModel:
    """A session with what is known of it; the identity is the object's."""

    name: str
    version: int
    card: ModelCard
    session: Session
    max_batch_size: int
    """Rows that are computed together at most; 0: the model takes no batches."""
    degraded: str | None = None
    """Why it is not what was configured, as `gpu_unavailable`; None: it is."""
    batch_invariant: bool = True
    """Whether a row's outputs are the same to the bit in any batch; else requests go one by one."""
