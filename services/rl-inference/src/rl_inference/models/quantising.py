"""From a float model to one in 8 bits: static, QDQ, per channel, calibrated on recorded states.

States of the file's first half calibrate, those of the second half measure: the share on which both
models choose the same. Below what the server asks for, nothing is written.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_inference.models.card import (
    LEAST_AGREEMENT,
    LEAST_AGREEMENT_STATES,
    Agreement,
    GoldenCase,
    ModelCard,
)
from rl_inference.models.loaded import LoadedModel
from rl_inference.models.loading import LoadOptions, load
from rl_inference.models.onnx_session import OnnxSession
from rl_inference.models.recordings import Recordings, read_recordings
from rl_inference.models.repository import Repository
from rl_inference.models.session import Session
from rl_inference.models.trial import golden_case
from rl_inference.tensors import Tensors

CANDIDATES = "candidates"
MOST_CALIBRATING = 2048
"""States; more move the ranges hardly, and take memory."""
_GOLDEN_STATES = 2
_LEAST_TOLERANCE = 1e-3


class QuantisingError(Exception):
    """It cannot be done, or would not be served."""


def publish_quantised(
    repository: Repository,
    name: str,
    version: int,
    recordings: Path,
    *,
    options: LoadOptions,
    to: int | None = None,
) -> ModelCard:
    """Add a version in 8 bits of `version`, the next one unless told otherwise; gives its card.

    Raises:
        QuantisingError, RecordingsError, RefusedModelError, RepositoryError: nothing was written.

    """
    parent = load(repository, name, version, options)
    _require_suitable(parent)
    calibrating, measuring = _halves(recordings, parent.session)
    content = quantised(_content(repository, parent, options), calibrating)
    session = OnnxSession(content)
    agreement = agreement_of(parent.session, session, measuring)
    if agreement.share < LEAST_AGREEMENT:
        raise QuantisingError(
            f"It would choose as its parent in {agreement.share:.2%} of {agreement.states} states;"
            f" {LEAST_AGREEMENT:.1%} are asked for. Nothing was written."
        )
    card = parent.card.model_copy(
        update={
            "version": to or max(repository.versions(name)) + 1,
            "checksum": hashlib.sha256(content).hexdigest(),
            "precision": "int8",
            "parent": parent.card.checksum,
            "agreement": agreement,
            "golden": _golden(parent.session, session, measuring),
            "metrics": {},  # they were measured of the parent
        }
    )
    repository.publish(card, content, repository.config(name))
    return card


def quantised(content: bytes, calibrating: Recordings) -> bytes:
    """The ONNX file in 8 bits.

    Activations are unsigned and weights signed, as ONNX Runtime is fastest on x86; what leaves a
    layer stays in float, since 256 steps of a score would make ties.

    Raises:
        QuantisingError: when the `onnx` package is not installed.

    """
    tools = _tools()
    with tempfile.TemporaryDirectory() as folder, _quiet():
        given, prepared, made = (Path(folder) / each for each in ("given", "prepared", "made"))
        given.write_bytes(content)
        tools.shape_inference.quant_pre_process(given, prepared, skip_symbolic_shape=True)
        tools.quantize_static(
            prepared,
            made,
            _Reader(calibrating),
            quant_format=tools.QuantFormat.QDQ,
            per_channel=True,
            activation_type=tools.QuantType.QUInt8,
            weight_type=tools.QuantType.QInt8,
            extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm", "MatMul"]},
        )
        return made.read_bytes()


def agreement_of(parent: Session, session: Session, states: Recordings) -> Agreement:
    """On how many of the states the largest number of the first output is at the same place."""
    name = parent.outputs[0].name
    each_state = (states.state(number) for number in range(len(states)))
    same = sum(_choice(parent, name, each) == _choice(session, name, each) for each in each_state)
    return Agreement(share=same / len(states), states=len(states))


class _Reader:
    """Hands the recorded states to the calibration, one after the other."""

    def __init__(self, states: Recordings) -> None:
        self._inputs = (dict(states.state(number)) for number in range(len(states)))

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._inputs, None)


def _halves(recordings: Path, session: Session) -> tuple[Recordings, Recordings]:
    """What calibrates, and what measures."""
    grouped = any(spec.name == CANDIDATES for spec in session.inputs)
    states = read_recordings(recordings, session.inputs, grouped=grouped)
    half = len(states) // 2
    if half < LEAST_AGREEMENT_STATES:
        raise QuantisingError(
            f"{len(states)} states were recorded; {2 * LEAST_AGREEMENT_STATES} are needed."
        )
    return states.part(0, min(half, MOST_CALIBRATING)), states.part(half, len(states))


def _choice(session: Session, name: str, inputs: Tensors) -> int:
    (scores,) = session.run(inputs, [name])
    return int(np.argmax(scores))


def _golden(parent: Session, session: Session, states: Recordings) -> tuple[GoldenCase, ...]:
    """Cases whose tolerance is what 8 bits cost: another processor rounds them otherwise."""
    cases = []
    for number in range(_GOLDEN_STATES):
        inputs = states.state(number)
        error = max(_errors(parent, session, inputs))
        tolerance = min(max(2 * error, _LEAST_TOLERANCE), 1.0)
        cases.append(golden_case(session, inputs, tolerance))
    return tuple(cases)


def _errors(parent: Session, session: Session, inputs: Tensors) -> Iterator[float]:
    """How far each output is off, as golden cases measure it."""
    names = [spec.name for spec in parent.outputs]
    pairs = zip(parent.run(inputs, names), session.run(inputs, names), strict=True)
    for expected, found in pairs:
        scale = np.maximum(1.0, np.abs(found, dtype=np.float64))
        yield float(np.max(np.abs(expected.astype(np.float64) - found) / scale, initial=0.0))


def _require_suitable(parent: LoadedModel) -> None:
    card, session = parent.card, parent.session
    if not isinstance(session, OnnxSession) or card.precision != "float":
        raise QuantisingError("Only a float model in ONNX is made into one of 8 bits.")
    if card.kind == "delay_risk" or session.outputs[0].datatype != "FP32":
        raise QuantisingError("Only scores in FP32 have a choice whose agreement can be measured.")


def _content(repository: Repository, parent: LoadedModel, options: LoadOptions) -> bytes:
    """The parent's file again, which has to be the one that was loaded."""
    platform = repository.config(parent.name).platform
    content = repository.model(parent.name, parent.version, platform, options.most_bytes)
    if hashlib.sha256(content).hexdigest() != parent.card.checksum:
        raise QuantisingError("The file was changed meanwhile.")
    return content


def _tools() -> Any:
    try:
        importlib.import_module("onnxruntime.quantization.shape_inference")
        return importlib.import_module("onnxruntime.quantization")
    except ImportError as error:
        raise QuantisingError(
            f"{error.name} is not installed: pip install 'atmr-rl-inference[quantise]'"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's advice on the root logger."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
