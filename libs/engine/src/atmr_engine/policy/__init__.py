"""What a policy sees of a decision: one codec for training, serving and shadow mode.

Its modules import numpy alone.
"""

from atmr_engine.policy.codec import (
    CANDIDATE_FEATURES,
    CONTEXT_FEATURES,
    VERSION,
    EncodedDecision,
    decode,
    encode,
)
from atmr_engine.policy.situation import Candidate, Context

__all__ = [
    "CANDIDATE_FEATURES",
    "CONTEXT_FEATURES",
    "VERSION",
    "Candidate",
    "Context",
    "EncodedDecision",
    "decode",
    "encode",
]
