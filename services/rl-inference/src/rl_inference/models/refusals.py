"""Why a version of a model is not served: a code for programs, and a sentence for people."""

from __future__ import annotations

from typing import Literal

Reason = Literal[
    "unreadable",
    "config_invalid",
    "card_invalid",
    "too_large",
    "foreign",
    "checksum_mismatch",
    "codec_mismatch",
    "corrupt",
    "external_data",
    "provider_unavailable",
    "signature_mismatch",
    "warm_up_failed",
    "not_finite",
    "golden_mismatch",
    "agreement_too_low",
    "failed",
]


class RefusedModelError(Exception):
    """A version failed one of the checks of `models.loading`."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


class ProviderError(RefusedModelError):
    """What should compute is not there, and nothing else may stand in for it."""

    def __init__(self, message: str) -> None:
        super().__init__("provider_unavailable", message)
