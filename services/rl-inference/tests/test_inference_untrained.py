"""The untrained policy: the same seed, the same bytes; its command; a row is a row in any batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from typer.testing import CliRunner

from rl_inference.models.loading import LoadOptions, load
from rl_inference.models.models_command import command
from rl_inference.models.onnx_session import OnnxSession
from rl_inference.models.repository import Repository
from rl_inference.models.untrained import PolicySizes, publish_untrained, untrained_policy
from rl_inference.tensors import TensorSpec

SIZES = PolicySizes()


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert untrained_policy(SIZES, 7) == untrained_policy(SIZES, 7)
    assert untrained_policy(SIZES, 7) != untrained_policy(SIZES, 8)


def test_it_is_an_onnx_file_of_opset_17() -> None:
    model = onnx.load_from_string(untrained_policy(SIZES, 0))
    onnx.checker.check_model(model, full_check=True)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 17)]


def test_it_is_loaded_and_says_what_it_is(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    published = publish_untrained(repository, sizes=PolicySizes(candidate=5, context=2), seed=3)
    model = load(repository, "dispatch-policy", 1, LoadOptions())
    assert model.card == published
    assert (model.card.trained, model.card.synthetic, model.card.seed) == (False, True, 3)
    assert len(model.card.golden) == 2
    assert model.session.inputs == (
        TensorSpec("candidates", "FP32", (-1, 5)),
        TensorSpec("context", "FP32", (-1, 2)),
    )
    assert model.session.outputs == (TensorSpec("scores", "FP32", (-1,)),)


def test_a_row_has_the_same_score_to_the_bit_in_any_batch() -> None:
    session = OnnxSession(untrained_policy(SIZES, 0))
    random = np.random.default_rng(0)
    candidates = random.standard_normal((512, SIZES.candidate), dtype=np.float32)
    context = random.standard_normal((512, SIZES.context), dtype=np.float32)

    def scores(rows: slice) -> np.ndarray:
        inputs = {"candidates": candidates[rows], "context": context[rows]}
        return session.run(inputs, ["scores"])[0]

    single = np.concatenate([scores(slice(row, row + 1)) for row in range(512)])
    for size in (2, 3, 7, 16, 64, 511, 512):
        parts = [scores(slice(start, start + size)) for start in range(0, 512, size)]
        assert np.array_equal(np.concatenate(parts).view(np.int32), single.view(np.int32)), size


def test_the_command_makes_a_model_and_checks_it(tmp_path: Path) -> None:
    runner = CliRunner()
    made = runner.invoke(command, ["make-untrained", str(tmp_path), "--seed", "5"])
    assert made.exit_code == 0, made.output
    again = runner.invoke(command, ["make-untrained", str(tmp_path), "--seed", "5"])
    assert (again.exit_code, "already" in again.output) == (1, True)
    second = runner.invoke(command, ["make-untrained", str(tmp_path), "--version", "2"])
    assert second.exit_code == 0, second.output
    checked = runner.invoke(command, ["check", str(tmp_path)])
    assert checked.exit_code == 0, checked.output
    assert checked.output.count("ready") == 2


def test_the_check_names_what_is_refused(tmp_path: Path) -> None:
    runner = CliRunner()
    publish_untrained(Repository(tmp_path), version=1, codec_version=2)
    publish_untrained(Repository(tmp_path), version=2)
    checked = runner.invoke(command, ["check", str(tmp_path)])
    assert (checked.exit_code, "codec_mismatch" in checked.output) == (1, True)
    assert (
        runner.invoke(command, ["check", str(tmp_path), "--codec", "1", "--codec", "2"]).exit_code
        == 0
    )
    absent = runner.invoke(command, ["check", str(tmp_path / "absent")])
    assert (absent.exit_code, "error" in absent.output) == (1, True)
