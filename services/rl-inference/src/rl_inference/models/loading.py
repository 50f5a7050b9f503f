"""From the disk to a model that may answer: each check in turn, the cheap ones first.

The file is read once, and what was checked is what is loaded: nobody can change it in between.
It takes milliseconds to seconds, so a worker thread does it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rl_inference.models.batch_invariance import is_batch_invariant
from rl_inference.models.card import ModelCard
from rl_inference.models.config_pbtxt import ConfigError, ModelConfig
from rl_inference.models.copied_inputs import CopiedInputs
from rl_inference.models.loaded import LoadedModel
from rl_inference.models.onnx_session import CPU, OnnxSession
from rl_inference.models.precision import require_agreement
from rl_inference.models.refusals import ProviderError, RefusedModelError
from rl_inference.models.repository import Repository, RepositoryError
from rl_inference.models.session import Session
from rl_inference.models.signature import agree
from rl_inference.models.torch_session import TorchSession
from rl_inference.models.trial import check_golden, warm_up

MOST_FAULTS = 5
"""Of a card that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What the server accepts, and what it computes with."""

    codec_versions: Collection[int] = (1,)
    """Of policies; any other is refused."""
    providers: tuple[str, ...] = (CPU,)
    """ONNX Runtime's, in order of preference."""
    allow_degraded: bool = False
    """Whether the CPU may stand in for a provider that is not there."""
    most_bytes: int = 256 * 2**20
    """The largest file of a model that is loaded."""


def load(repository: Repository, name: str, version: int, options: LoadOptions) -> LoadedModel:
    """Load a version and try it out.

    Raises:
        RefusedModelError: with the reason, for the first check that it fails.

    """
    try:
        config = repository.config(name)
        card = _card(repository.card(name, version), name, version)
        _check_codec(card, options)
        content = repository.model(name, version, config.platform, options.most_bytes)
    except ConfigError as error:
        raise RefusedModelError("config_invalid", str(error)) from error
    except (OSError, RepositoryError) as error:
        raise RefusedModelError("unreadable", f"{name} {version}: {error}") from error
    if len(content) > options.most_bytes:
        raise RefusedModelError("too_large", f"The file is over {options.most_bytes} bytes.")
    if config.name not in (name, ""):
        raise RefusedModelError("foreign", f"config.pbtxt is of the model {config.name}.")
    if hashlib.sha256(content).hexdigest() != card.checksum:
        raise RefusedModelError(
            "checksum_mismatch", "The file is not the one whose checksum stands in model.json."
        )
    return _tried(card, content, config, options)


def _card(text: bytes, name: str, version: int) -> ModelCard:
    try:
        card = ModelCard.model_validate_json(text)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise RefusedModelError("card_invalid", f"model.json: {_worded(faults)}") from error
    if (card.model, card.version) != (name, version):
        raise RefusedModelError(
            "foreign",
            f"model.json is of {card.model} {card.version}; it lies with {name} {version}.",
        )
    return card


def _worded(faults: list[ErrorDetails]) -> str:
    """Where and what, without what stands there: the index shows it to every client."""
    shown = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in faults[:MOST_FAULTS]]
    return "; ".join(shown)


def _check_codec(card: ModelCard, options: LoadOptions) -> None:
    if card.kind == "policy" and card.codec_version not in options.codec_versions:
        spoken = ", ".join(str(each) for each in sorted(options.codec_versions))
        raise RefusedModelError(
            "codec_mismatch", f"It speaks codec version {card.codec_version}, the server {spoken}."
        )


def _tried(
    card: ModelCard, content: bytes, config: ModelConfig, options: LoadOptions
) -> LoadedModel:
    session = _session(content, config, options)
    try:
        agree(session, config)
        require_agreement(card, content, config.platform)
        warm_up(session, card, config.max_batch_size)
        check_golden(session, card)
        batch_invariant = is_batch_invariant(session, config.max_batch_size)
    except BaseException:
        session.close()
        raise
    return LoadedModel(
        name=card.model,
        version=card.version,
        card=card,
        session=session if batch_invariant else CopiedInputs(session),
        max_batch_size=config.max_batch_size,
        batch_invariant=batch_invariant,
        degraded=None if session.provider == options.providers[0] else "gpu_unavailable",
    )


def _session(content: bytes, config: ModelConfig, options: LoadOptions) -> Session:
    if config.platform == OnnxSession.platform:
        return OnnxSession(content, options.providers, allow_degraded=options.allow_degraded)
    if options.providers[0] != TorchSession.provider and not options.allow_degraded:
        raise ProviderError(f"TorchScript runs on the CPU only, not on {options.providers[0]}.")
    inputs = [config.spec(tensor) for tensor in config.inputs]
    outputs = [config.spec(tensor) for tensor in config.outputs]
    return TorchSession(content, inputs, outputs)
