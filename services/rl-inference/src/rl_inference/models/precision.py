"""A model in 8 bits answers only where it was measured to choose as the one it was made from."""

from __future__ import annotations

from rl_inference.models.card import LEAST_AGREEMENT, LEAST_AGREEMENT_STATES, ModelCard
from rl_inference.models.config_pbtxt import PLATFORMS, Platform
from rl_inference.models.onnx_file import is_quantised
from rl_inference.models.refusals import RefusedModelError


def require_agreement(card: ModelCard, content: bytes, platform: Platform) -> None:
    """Raise for 8 bits without a measured agreement, whatever the card calls them.

    Of TorchScript the card is believed: its operators cannot be told from outside.

    Raises:
        RefusedModelError: `agreement_too_low`, or `card_invalid` for a card that does not say it.

    """
    computes_in_int8 = platform == PLATFORMS[0] and is_quantised(content)
    if computes_in_int8 and card.precision != "int8":
        raise RefusedModelError(
            "card_invalid", f"The file computes in int8; model.json says {card.precision}."
        )
    if card.precision != "int8":
        return
    found = card.agreement
    if found is None:
        raise RefusedModelError("agreement_too_low", "It was never measured on recorded states.")
    if found.share < LEAST_AGREEMENT or found.states < LEAST_AGREEMENT_STATES:
        raise RefusedModelError(
            "agreement_too_low",
            f"It chooses as its parent in {found.share:.2%} of {found.states} states; at least"
            f" {LEAST_AGREEMENT:.1%} of {LEAST_AGREEMENT_STATES} are asked for.",
        )
