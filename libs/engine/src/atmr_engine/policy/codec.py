"""Codec v1: a decision as the arrays that a policy reads, and back.

The environment, the trainer, requests to rl-inference and shadow mode all call this one. A change
of a column, its order or its scale is a new `VERSION`; models and requests carry it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from atmr_engine.policy.features import features_of, measured, scaled, unscaled
from atmr_engine.policy.situation import Candidate, Context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

VERSION = 1
CANDIDATE_FEATURES = tuple(column.name for column in features_of(Candidate))
CONTEXT_FEATURES = tuple(column.name for column in features_of(Context))


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedDecision:
    """Candidates (K, 40) and context (24,) as float32, and the mask (K,), true where allowed."""

    candidates: NDArray[np.float32]
    context: NDArray[np.float32]
    mask: NDArray[np.bool_]

    @property
    def state_hash(self) -> str:
        """SHA-256 of the version and all three arrays, the same on every machine."""
        digest = hashlib.sha256(VERSION.to_bytes(4, "little"))
        for part, kind in ((self.candidates, "<f4"), (self.context, "<f4"), (self.mask, "|u1")):
            digest.update(np.array(part.shape, "<i8").tobytes())
            digest.update(np.ascontiguousarray(part, kind).tobytes())
        return digest.hexdigest()


def encode(candidates: Sequence[Candidate], context: Context) -> EncodedDecision:
    """Encode one decision; O(K).

    Raises:
        ValueError: when there is no candidate, none is allowed, or a feature is no finite number.

    """
    mask = np.array([candidate.allowed for candidate in candidates], dtype=np.bool_)
    if not mask.any():
        raise ValueError(f"none of {len(mask)} candidates is allowed: there is nothing to decide")
    return EncodedDecision(
        candidates=scaled(Candidate, measured(Candidate, candidates)),
        context=scaled(Context, measured(Context, [context]))[0],
        mask=mask,
    )


def decode(encoded: EncodedDecision) -> tuple[tuple[Candidate, ...], Context]:
    """What was encoded, in its own units; what lay beyond the codec's bounds stays cut off there.

    Raises:
        ValueError: when the arrays are not those of this version.

    """
    expected = (len(encoded.mask), len(CANDIDATE_FEATURES)), (len(CONTEXT_FEATURES),)
    if (encoded.candidates.shape, encoded.context.shape) != expected:
        shapes = f"{encoded.candidates.shape} and {encoded.context.shape}"
        raise ValueError(f"codec version {VERSION} has arrays {expected}, not {shapes}")
    rows = unscaled(Candidate, encoded.candidates)
    candidates = tuple(
        Candidate(allowed=bool(allowed), **_named(CANDIDATE_FEATURES, row))
        for row, allowed in zip(rows, encoded.mask, strict=True)
    )
    context = unscaled(Context, encoded.context[np.newaxis])[0]
    return candidates, Context(**_named(CONTEXT_FEATURES, context))


def _named(names: tuple[str, ...], values: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(names, map(float, values), strict=True))
