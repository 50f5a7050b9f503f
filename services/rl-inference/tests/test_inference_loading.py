"""Every reason for which a version is refused, and one that passes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from support.inference_models import (
    config,
    identity,
    linear,
    onnx_file,
    publish,
    torchscript_linear,
)
from support.inference_sessions import DoublingSession, fake_model

from rl_inference.models.card import GoldenCase
from rl_inference.models.config_pbtxt import ModelConfig, config_of
from rl_inference.models.loaded import LoadedModel
from rl_inference.models.loading import LoadOptions, load
from rl_inference.models.refusals import RefusedModelError
from rl_inference.models.repository import Repository
from rl_inference.models.trial import warm_up

GOLDEN = GoldenCase(
    inputs={"x": [[1.0, 2.0, 3.0]]}, outputs={"y": [[2.0, 4.0, 6.0]], "z": [[3.0, 4.0, 5.0]]}
)
CUDA = ("CUDAExecutionProvider", "CPUExecutionProvider")


def loaded(root: Path, version: int = 1, **options: Any) -> LoadedModel:
    return load(Repository(root), "linear", version, LoadOptions(**options))


def refusal(root: Path, version: int = 1, **options: Any) -> tuple[str, str]:
    with pytest.raises(RefusedModelError) as caught:
        loaded(root, version, **options)
    return caught.value.reason, str(caught.value)


def constant(value: float) -> bytes:
    """`y` = x * value, as policy that may give what is not finite."""
    node = helper.make_node("Add", ["x", "value"], ["y"])
    shape = ["rows", 3]
    weights = {"value": np.array([value], np.float32)}
    return onnx_file([node], {"x": ("FP32", shape)}, {"y": ("FP32", shape)}, weights)


def test_a_sound_version_passes(tmp_path: Path) -> None:
    card = publish(tmp_path, golden=(GOLDEN,), kind="policy", codec_version=1)
    model = loaded(tmp_path)
    assert (model.name, model.version, model.card) == ("linear", 1, card)
    assert (model.max_batch_size, model.degraded) == (8, None)
    assert config_of(model) == config()


def test_a_large_file_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    publish(tmp_path)
    assert refusal(tmp_path, most_bytes=50)[0] == "too_large"
    assert loaded(tmp_path, most_bytes=len(linear()))


def test_the_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    publish(tmp_path, configuration=config("other"))
    shutil.copytree(tmp_path / "other", tmp_path / "linear")
    said = ("foreign", "model.json is of other 1; it lies with linear 1.")
    assert refusal(tmp_path) == said
    (tmp_path / "linear" / "config.pbtxt").write_text(
        (tmp_path / "other" / "config.pbtxt").read_text().replace('"other"', '"linear"')
    )
    assert refusal(tmp_path) == said
    shutil.copy(tmp_path / "other" / "config.pbtxt", tmp_path / "linear")
    card = tmp_path / "linear" / "1" / "model.json"
    card.write_text(card.read_text().replace('"model": "other"', '"model": "linear"'))
    assert refusal(tmp_path) == ("foreign", "config.pbtxt is of the model other.")


def test_another_version_s_folder_is_refused(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    shutil.copytree(tmp_path / "linear" / "1", tmp_path / "linear" / "2")
    assert refusal(tmp_path, 2) == ("foreign", "model.json is of linear 1; it lies with linear 2.")


@pytest.mark.parametrize("change", ["flip", "truncate", "replace"])
def test_a_file_that_is_not_the_card_s_is_refused(tmp_path: Path, change: str) -> None:
    publish(tmp_path)
    path = tmp_path / "linear" / "1" / "model.onnx"
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    changed = {"flip": bytes(content), "truncate": linear()[:-1], "replace": linear(3.0)}
    path.write_bytes(changed[change])
    assert refusal(tmp_path)[0] == "checksum_mismatch"


@pytest.mark.parametrize("content", [b"", b"no model", linear()[:-5], b"\x00" * 100])
def test_what_is_no_model_is_corrupt(tmp_path: Path, content: bytes) -> None:
    publish(tmp_path, content=content)
    assert refusal(tmp_path)[0] == "corrupt"


@pytest.mark.parametrize("codec_version", [None, 1, 4])
def test_an_older_or_newer_codec_is_refused(tmp_path: Path, codec_version: int | None) -> None:
    publish(tmp_path, kind="policy", codec_version=codec_version)
    reason, message = refusal(tmp_path, codec_versions=(2, 3))
    assert reason == "codec_mismatch"
    assert message == f"It speaks codec version {codec_version}, the server 2, 3."
    assert codec_version is None or loaded(tmp_path, codec_versions=(codec_version,))


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[" * 100_000, '{"format": 2}', "\x00", json.dumps({"model": "linear"})],
)
def test_a_card_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    publish(tmp_path)
    (tmp_path / "linear" / "1" / "model.json").write_text(text)
    assert refusal(tmp_path)[0] == "card_invalid"


def test_a_configuration_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / "linear" / "config.pbtxt").write_text("name: 1")
    assert refusal(tmp_path)[0] == "config_invalid"
    (tmp_path / "linear" / "config.pbtxt").unlink()
    assert refusal(tmp_path)[0] == "unreadable"


def test_a_version_without_its_file_is_refused(tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / "linear" / "1" / "model.onnx").unlink()
    assert refusal(tmp_path)[0] == "unreadable"


@pytest.mark.parametrize(
    "configuration",
    [
        config(width=4),
        config(datatype="FP64"),
        config(outputs=("y",)),
        config(outputs=("y", "other")),
        config(max_batch_size=0),
        config(width=-1),
    ],
)
def test_a_configuration_of_other_tensors_is_refused(
    tmp_path: Path, configuration: ModelConfig
) -> None:
    publish(tmp_path, configuration=configuration)
    assert refusal(tmp_path)[0] == "signature_mismatch"


def test_a_model_of_one_row_takes_no_batches(tmp_path: Path) -> None:
    publish(tmp_path, content=identity("FP32", [1, 3]), configuration=config(outputs=("y",)))
    assert refusal(tmp_path)[0] == "signature_mismatch"


def test_a_model_without_batches_is_taken_as_it_is(tmp_path: Path) -> None:
    alone = config(outputs=("y",), max_batch_size=0)
    publish(tmp_path, content=identity("FP32", [3]), configuration=alone)
    model = loaded(tmp_path)
    assert model.max_batch_size == 0
    assert model.session.inputs[0].shape == (3,)


def test_an_open_dimension_is_fixed_by_the_configuration(tmp_path: Path) -> None:
    content = identity("FP32", ["rows", "width"])
    publish(tmp_path, content=content, configuration=config(outputs=("y",), width=7))
    assert loaded(tmp_path).session.inputs[0].shape == (-1, 7)


def test_outputs_with_other_rows_are_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("Concat", ["x", "x"], ["y"], axis=0)]
    content = onnx_file(nodes, {"x": ("FP32", ["n", 3])}, {"y": ("FP32", ["m", 3])})
    publish(tmp_path, content=content, configuration=config(outputs=("y",)))
    reason, message = refusal(tmp_path)
    assert (reason, "1 rows gave y" in message) == ("warm_up_failed", True)


@pytest.mark.parametrize(
    "outputs",
    [
        {"y": [[2.0, 4.0, 6.1]], "z": [[3, 4, 5]]},
        {"y": [[2.0, 4.0, 6.0]] * 2, "z": [[3, 4, 5]]},
        {"y": [[2, 4, float("nan")]], "z": [[3, 4, 5]]},
    ],
)
def test_other_answers_than_the_golden_ones_are_refused(
    tmp_path: Path, outputs: dict[str, Any]
) -> None:
    golden = {"inputs": GOLDEN.inputs, "outputs": outputs}
    publish(tmp_path, golden=(GOLDEN, GoldenCase(**golden)))
    assert refusal(tmp_path)[0] == "golden_mismatch"


@pytest.mark.parametrize(
    ("x", "y", "passes"),
    [
        (0.25, 0.5009, True),
        (0.25, 0.5011, False),
        (500.0, 1000.9, True),
        (500.0, 1001.2, False),
        (-500.0, -1001.2, False),
    ],
)
def test_a_tolerance_is_absolute_below_one_and_relative_above(
    tmp_path: Path,
    x: float,
    y: float,
    passes: bool,  # noqa: FBT001
) -> None:
    case = GoldenCase(
        inputs={"x": [[x] * 3]}, outputs={"y": [[y] * 3], "z": [[x + 2] * 3]}, tolerance=1e-3
    )
    publish(tmp_path, golden=(case,))
    if passes:
        assert loaded(tmp_path)
    else:
        assert refusal(tmp_path)[0] == "golden_mismatch"


def test_outputs_of_another_datatype_than_promised_are_refused() -> None:
    class Wide(DoublingSession):
        def run(self, inputs: Any, outputs: Any) -> list[Any]:
            return [array.astype(np.float64) for array in super().run(inputs, outputs)]

    card = fake_model().card
    warm_up(DoublingSession(), card, 8)
    with pytest.raises(RefusedModelError, match="gave y as float64") as caught:
        warm_up(Wide(), card, 8)
    assert caught.value.reason == "warm_up_failed"


@pytest.mark.parametrize(
    "golden",
    [
        {"inputs": {"x": [[1.0, 2.0]]}, "outputs": {"y": [[2.0, 4.0]], "z": [[3, 4]]}},
        {"inputs": {"x": [["a", "b", "c"]]}, "outputs": {"y": [[2, 4, 6]], "z": [[3, 4, 5]]}},
        {"inputs": {"x": [[1.0, 2.0, 3.0]]}, "outputs": {"y": [[2.0, 4.0, 6.0]]}},
        {"inputs": {"x": [[1.0], [2.0, 3.0]]}, "outputs": {"y": [[1, 1, 1]], "z": [[1, 1, 1]]}},
    ],
)
def test_golden_cases_that_do_not_fit_are_refused(tmp_path: Path, golden: dict[str, Any]) -> None:
    publish(tmp_path, golden=(GoldenCase(**golden),))
    assert refusal(tmp_path)[0] == "card_invalid"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_policy_that_gives_no_numbers_is_refused(tmp_path: Path, value: float) -> None:
    publish(
        tmp_path,
        content=constant(value),
        configuration=config(outputs=("y",)),
        kind="policy",
        codec_version=1,
    )
    assert refusal(tmp_path)[0] == "not_finite"


def test_a_golden_case_that_gives_no_numbers_is_refused(tmp_path: Path) -> None:
    case = GoldenCase(inputs={"x": [[1.0, 2.0, 3.0]]}, outputs={"y": [[1.0, 2.0, 3.0]]})
    publish(
        tmp_path,
        content=constant(float("nan")),
        configuration=config(outputs=("y",)),
        golden=(case,),
    )
    assert refusal(tmp_path)[0] == "not_finite"


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_a_torchscript_passes_the_same_checks(tmp_path: Path) -> None:
    scripted = replace(config(), platform="pytorch_libtorch")
    publish(tmp_path, 1, torchscript_linear(), scripted, golden=(GOLDEN,))
    publish(tmp_path, 2, b"no zip", scripted)
    model = loaded(tmp_path)
    assert (model.session.platform, model.degraded) == ("pytorch_libtorch", None)
    assert config_of(model) == scripted
    assert refusal(tmp_path, 2)[0] == "corrupt"
    assert refusal(tmp_path, providers=CUDA)[0] == "provider_unavailable"
    assert loaded(tmp_path, providers=CUDA, allow_degraded=True).degraded == "gpu_unavailable"


def test_a_gpu_that_is_not_there_is_refused_or_said(tmp_path: Path) -> None:
    import onnxruntime  # noqa: PLC0415

    if CUDA[0] in onnxruntime.get_available_providers():
        pytest.skip("this machine may have CUDA")
    publish(tmp_path)
    assert refusal(tmp_path, providers=CUDA)[0] == "provider_unavailable"
    assert loaded(tmp_path, providers=CUDA, allow_degraded=True).degraded == "gpu_unavailable"
