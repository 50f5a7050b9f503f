"""A model in 8 bits is made of recorded states, measured on others, and refused without that."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from support.inference_models import onnx_file, publish
from typer.testing import CliRunner

from rl_inference.models.card import Agreement
from rl_inference.models.config_pbtxt import ModelConfig, TensorConfig
from rl_inference.models.loading import LoadOptions, load
from rl_inference.models.models_command import command
from rl_inference.models.quantising import QuantisingError, agreement_of, publish_quantised
from rl_inference.models.recordings import Recordings, RecordingsError, read_recordings
from rl_inference.models.refusals import RefusedModelError
from rl_inference.models.repository import Repository
from rl_inference.models.untrained import publish_untrained
from rl_inference.tensors import TensorSpec

FEATURES, ACTIONS = 24, 8
NAME = "linear"
CONFIG = ModelConfig(
    name=NAME,
    platform="onnxruntime_onnx",
    max_batch_size=64,
    inputs=(TensorConfig(name="x", datatype="FP32", dims=(FEATURES,)),),
    outputs=(TensorConfig(name="y", datatype="FP32", dims=(ACTIONS,)),),
)
OPTIONS = LoadOptions()


def network() -> bytes:
    """Two layers, of which the last one copies features, so that the best action is clear."""
    random = np.random.default_rng(3)
    hidden = random.standard_normal((FEATURES, 64)).astype(np.float32)
    actions = np.linalg.pinv(hidden)[:, :ACTIONS].astype(np.float32)
    nodes = [
        helper.make_node("Gemm", ["x", "hidden", "bias"], ["h"]),
        helper.make_node("MatMul", ["h", "actions"], ["y"]),
    ]
    weights = {"hidden": hidden, "actions": actions, "bias": np.zeros(64, np.float32)}
    shapes = ("FP32", ["rows", FEATURES]), ("FP32", ["rows", ACTIONS])
    return onnx_file(nodes, {"x": shapes[0]}, {"y": shapes[1]}, weights)


def recorded(path: Path, states: int = 600, margin: float = 1.0, **more: Any) -> Path:
    """States whose best action leads by at least `margin`."""
    random = np.random.default_rng(8)
    x = random.standard_normal((states, FEATURES)).astype(np.float32)
    best = random.integers(0, ACTIONS, states)
    x[np.arange(states), best] = np.abs(x[:, :ACTIONS]).max(axis=1) + margin
    np.savez(path, **{"x": x, **more})
    return path


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    publish(tmp_path / "models", 1, network(), CONFIG, metrics={"loss": 1.0}, seed=7)
    return Repository(tmp_path / "models")


def test_a_version_in_8_bits_is_written_and_served(repository: Repository, tmp_path: Path) -> None:
    card = publish_quantised(repository, NAME, 1, recorded(tmp_path / "r.npz"), options=OPTIONS)
    parent, model = (load(repository, NAME, version, OPTIONS) for version in (1, 2))
    assert model.card == card
    assert (card.precision, card.parent) == ("int8", parent.card.checksum)
    assert card.agreement is not None
    assert (card.agreement.share >= 0.995, card.agreement.states) == (True, 300)
    assert (card.metrics, card.seed) == ({}, 7)
    assert len(card.golden) == 2
    x = np.random.default_rng(1).standard_normal((16, FEATURES)).astype(np.float32)
    (exact,), (rounded,) = (each.session.run({"x": x}, ["y"]) for each in (parent, model))
    assert 0 < np.abs(exact - rounded).max() < 0.5
    assert all(1e-3 <= case.tolerance < 0.2 for case in card.golden)


def test_its_golden_cases_hold_it_to_its_own_answers(
    repository: Repository, tmp_path: Path
) -> None:
    card = publish_quantised(repository, NAME, 1, recorded(tmp_path / "r.npz"), options=OPTIONS)
    model = load(repository, NAME, 2, OPTIONS)
    case = card.golden[0]
    x = np.array(case.inputs["x"], np.float32)
    assert np.allclose(model.session.run({"x": x}, ["y"])[0], case.outputs["y"], atol=1e-6)


def test_what_measures_did_not_calibrate(repository: Repository, tmp_path: Path) -> None:
    """The second half is ten times as wide: ranges from the first half cannot hold it."""
    path = recorded(tmp_path / "r.npz")
    x = np.load(path)["x"]
    x[300:] *= 100
    x[300:, 5] += 1
    np.savez(path, x=x)
    with pytest.raises(QuantisingError, match=r"as its parent in \d+\.\d+% of 300 states"):
        publish_quantised(repository, NAME, 1, path, options=OPTIONS)
    assert repository.versions(NAME) == (1,)
    x[300:] /= 100
    np.savez(path, x=x)
    assert publish_quantised(repository, NAME, 1, path, options=OPTIONS, to=7).version == 7


def test_too_few_states_measure_nothing(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(QuantisingError, match="399 states were recorded; 400 are needed"):
        publish_quantised(repository, NAME, 1, recorded(tmp_path / "r.npz", 399), options=OPTIONS)


def test_rows_of_one_state_are_its_candidates(tmp_path: Path) -> None:
    specs = [TensorSpec("candidates", "FP32", (-1, 2)), TensorSpec("context", "FP32", (-1, 1))]
    rows = {"candidates": np.arange(12, dtype=np.float32).reshape(6, 2)}
    rows["context"] = np.ones((6, 1), np.float32)
    path = tmp_path / "r.npz"
    np.savez(path, **rows, state=np.array([4, 4, 4, 9, 2, 2]))
    found = read_recordings(path, specs, grouped=True)
    assert len(found) == 3
    assert [found.state(number)["candidates"][:, 0].tolist() for number in range(3)] == [
        [0, 2, 4],
        [6],
        [8, 10],
    ]
    assert found.part(1, 3).state(1)["candidates"].tolist() == [[8, 9], [10, 11]]
    np.savez(path, **rows)
    with pytest.raises(RecordingsError, match="has no `state`"):
        read_recordings(path, specs, grouped=True)


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"x": np.ones((4, 3), np.float64)},
        {"x": np.ones((4, 2), np.float32)},
        {"x": np.ones((0, 3), np.float32)},
        {"x": np.full((4, 3), np.nan, np.float32)},
        {"x": np.ones((4, 3), np.float32), "state": np.ones(3, np.int64)},
        {"x": np.ones((4, 3), np.float32), "state": np.ones(4)},
        {"x": np.array([None])},
    ],
)
def test_recordings_of_other_inputs_are_refused(tmp_path: Path, arrays: dict[str, Any]) -> None:
    path = tmp_path / "r.npz"
    np.savez(path, **arrays)
    with pytest.raises(RecordingsError):
        read_recordings(path, [TensorSpec("x", "FP32", (-1, 3))], grouped=False)
    path.write_bytes(b"no zip")
    with pytest.raises(RecordingsError, match="cannot be read"):
        read_recordings(path, [], grouped=False)


def test_agreement_is_by_state_and_by_action() -> None:
    class Scores:
        outputs = (TensorSpec("y", "FP32", (-1, 2)),)

        def __init__(self, *best: int) -> None:
            self._best = best

        def run(self, inputs: Any, names: Any) -> list[Any]:
            assert names == ["y"]
            scores = np.zeros((len(inputs["x"]), 2), np.float32)
            number = int(inputs["x"][0, 0])
            scores.ravel()[self._best[number]] = 1
            return [scores]

    rows = np.array([[0], [0], [1], [2], [2]], np.float32)
    states = Recordings({"x": rows}, np.array([0, 2, 3, 5]))
    first: Any = Scores(3, 1, 0)
    second: Any = Scores(3, 0, 0)
    assert agreement_of(first, first, states) == Agreement(share=1.0, states=3)
    assert agreement_of(first, second, states) == Agreement(share=2 / 3, states=3)


@pytest.mark.parametrize(
    ("agreement", "said"),
    [
        (None, "never measured"),
        (Agreement(share=0.9949, states=10_000), "99.49%"),
        (Agreement(share=1.0, states=199), "of 199 states"),
    ],
)
def test_8_bits_without_agreement_are_refused(
    repository: Repository, tmp_path: Path, agreement: Agreement | None, said: str
) -> None:
    card = publish_quantised(repository, NAME, 1, recorded(tmp_path / "r.npz"), options=OPTIONS)
    content = repository.model(NAME, 2, "onnxruntime_onnx", 10**6)
    changed = card.model_copy(update={"version": 3, "agreement": agreement})
    repository.publish(changed, content, CONFIG)
    with pytest.raises(RefusedModelError, match=said) as caught:
        load(repository, NAME, 3, OPTIONS)
    assert caught.value.reason == "agreement_too_low"


def test_a_card_that_hides_8_bits_is_refused(repository: Repository, tmp_path: Path) -> None:
    card = publish_quantised(repository, NAME, 1, recorded(tmp_path / "r.npz"), options=OPTIONS)
    content = repository.model(NAME, 2, "onnxruntime_onnx", 10**6)
    repository.publish(
        card.model_copy(update={"version": 3, "precision": "float"}), content, CONFIG
    )
    with pytest.raises(RefusedModelError, match="computes in int8") as caught:
        load(repository, NAME, 3, OPTIONS)
    assert caught.value.reason == "card_invalid"


def test_only_a_float_model_with_scores_is_quantised(
    repository: Repository, tmp_path: Path
) -> None:
    path = recorded(tmp_path / "r.npz")
    publish_quantised(repository, NAME, 1, path, options=OPTIONS)
    with pytest.raises(QuantisingError, match="Only a float model"):
        publish_quantised(repository, NAME, 2, path, options=OPTIONS)
    risk = replace(CONFIG, name="risk")
    publish(repository.root, 1, network(), risk, kind="delay_risk")
    with pytest.raises(QuantisingError, match="Only scores"):
        publish_quantised(repository, "risk", 1, path, options=OPTIONS)


def test_without_the_package_it_says_what_to_install(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("onnxruntime.quantization")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(QuantisingError, match=r"pip install 'atmr-rl-inference\[quantise\]'"):
        publish_quantised(repository, NAME, 1, recorded(tmp_path / "r.npz"), options=OPTIONS)


def policy_recordings(path: Path, repository: Repository, least_margin: float) -> Path:
    """Four candidates a state, of which the untrained policy's best leads by the margin."""
    random = np.random.default_rng(2)
    rows = {
        "candidates": random.standard_normal((8000, 40)).astype(np.float32),
        "context": np.repeat(random.standard_normal((2000, 24)), 4, axis=0).astype(np.float32),
    }
    (scores,) = load(repository, "policy", 1, OPTIONS).session.run(rows, ["scores"])
    best = np.sort(scores.reshape(2000, 4), axis=1)
    kept = np.repeat(best[:, 3] - best[:, 2] >= least_margin, 4)
    states = np.repeat(np.arange(2000), 4)[kept]
    np.savez(path, **{name: array[kept] for name, array in rows.items()}, state=states)
    return path


def test_the_command_quantises_a_policy_of_candidates(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "models")
    publish_untrained(repository, "policy", seed=1)
    path = policy_recordings(tmp_path / "r.npz", repository, 0.3)
    arguments = ["quantise", str(repository.root), "policy", "1", "--recordings"]
    made = CliRunner().invoke(command, [*arguments, str(path)])
    assert made.exit_code == 0, made.output
    card = load(repository, "policy", 2, OPTIONS).card
    assert (card.precision, card.trained, card.kind) == ("int8", False, "policy")
    assert card.agreement is not None
    assert f"agreement {card.agreement.share:.2%} of {card.agreement.states} states" in made.output
    absent = CliRunner().invoke(command, [*arguments, str(tmp_path / "absent.npz")])
    assert (absent.exit_code, "cannot be read" in absent.output) == (1, True)
