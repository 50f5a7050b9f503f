"""Files that somebody else may write: links, pipes, devices, too much of everything."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from support.inference_models import config, identity, linear, onnx_file, publish

from rl_inference.models import onnx_file as onnx_file_module
from rl_inference.models.bounded_reading import read_bounded
from rl_inference.models.config_pbtxt import ModelConfig
from rl_inference.models.loading import LoadOptions, load
from rl_inference.models.onnx_file import is_quantised, require_self_contained
from rl_inference.models.onnx_session import CPU, OnnxSession, _session
from rl_inference.models.refusals import RefusedModelError
from rl_inference.models.repository import Repository, RepositoryError
from rl_inference.models.wire import field


def refusal(root: Path) -> tuple[str, str]:
    with pytest.raises(RefusedModelError) as caught:
        load(Repository(root), "linear", 1, LoadOptions())
    return caught.value.reason, str(caught.value)


def cut_off_by_others(number: int, value: bytes | int) -> bytes:
    """A field whose key has a bit above the 32 that protobuf's own reader keeps."""
    kind = 0 if isinstance(value, int) else 2
    key = number << 3 | kind
    assert key < 128
    content = bytes([key | 0x80, 0x80, 0x80, 0x80, 0x10])
    if isinstance(value, int):
        return content + bytes([value])
    return content + bytes([len(value)]) + value


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["model.onnx", "model.json"])
def test_a_pipe_is_refused_at_once(tmp_path: Path, name: str) -> None:
    publish(tmp_path)
    path = tmp_path / "linear" / "1" / name
    path.unlink()
    os.mkfifo(path)
    reason, message = refusal(tmp_path)
    assert (reason, "no plain file" in message) == ("unreadable", True)


@pytest.mark.parametrize("target", ["/dev/zero", "/etc/hostname", "../../../outside", "1"])
def test_a_link_that_leads_out_is_refused(tmp_path: Path, target: str) -> None:
    root = tmp_path / "models"
    publish(root)
    (tmp_path / "outside").write_text("secret")
    path = root / "linear" / "1" / "model.json"
    path.unlink()
    path.symlink_to(target)
    reason, message = refusal(root)
    assert reason == "unreadable"
    assert "secret" not in message


def test_a_link_that_stays_inside_is_followed(tmp_path: Path) -> None:
    publish(tmp_path / "real")
    (tmp_path / "models").symlink_to("real")
    path = tmp_path / "real" / "linear" / "1" / "model.onnx"
    path.rename(tmp_path / "real" / "stored")
    path.symlink_to("../../stored")
    assert load(Repository(tmp_path / "models"), "linear", 1, LoadOptions()).version == 1


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="directory"):
        read_bounded(tmp_path, 10, within=tmp_path)


def test_what_stands_in_a_card_is_not_told(tmp_path: Path) -> None:
    publish(tmp_path)
    path = tmp_path / "linear" / "1" / "model.json"
    path.write_text('{"format": 1, "model": "S3cret", "version": "S3cret", "more": "S3cret"}')
    reason, message = refusal(tmp_path)
    assert reason == "card_invalid"
    assert "version: " in message
    assert "S3cret" not in message


def test_a_card_that_is_too_long_is_refused_though_its_beginning_is_whole(tmp_path: Path) -> None:
    publish(tmp_path)
    path = tmp_path / "linear" / "1" / "model.json"
    path.write_text(path.read_text() + " " * 2**20)
    reason, message = refusal(tmp_path)
    assert (reason, "longer than" in message) == ("unreadable", True)


def test_a_gigabyte_of_configuration_is_not_read(tmp_path: Path) -> None:
    publish(tmp_path)
    with (tmp_path / "linear" / "config.pbtxt").open("wb") as file:
        file.truncate(2**30)
    assert refusal(tmp_path) == ("config_invalid", "config.pbtxt: more than 65536 bytes")


def test_aliases_that_lead_nowhere_are_no_empty_ones(tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / "linear" / "aliases.json").symlink_to("gone.json")
    with pytest.raises(OSError, match="gone"):
        Repository(tmp_path).aliases("linear")


def test_a_file_changed_in_place_is_noticed_whatever_its_time_says(tmp_path: Path) -> None:
    publish(tmp_path)
    path = tmp_path / "linear" / "1" / "model.onnx"
    before, was = Repository(tmp_path).fingerprint("linear", 1), path.stat()
    path.write_bytes(linear(3.0))
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    now = path.stat()
    assert (now.st_ino, now.st_size, now.st_mtime_ns) == (was.st_ino, was.st_size, was.st_mtime_ns)
    assert Repository(tmp_path).fingerprint("linear", 1) != before


def test_a_tensor_elsewhere_is_found_behind_a_key_of_too_many_bits() -> None:
    """ONNX Runtime's reader cuts the key to 32 bits, and would look for the file."""
    entry = field(1, "location") + field(2, "passwd")
    tensor = field(1, 1) + field(2, 1) + field(8, "factor")
    tensor += cut_off_by_others(13, entry) + cut_off_by_others(14, 1)
    model = onnx.load_from_string(linear())
    del model.graph.initializer[:]
    content = model.SerializeToString() + field(7, field(5, tensor))
    with pytest.raises(RefusedModelError, match="External data path"):
        _session(content, [CPU])
    with pytest.raises(RefusedModelError, match="32 bits"):
        require_self_contained(content)


ELSEWHERE = field(14, 1)
"""A tensor whose content lies in another file."""
GRAPH = field(5, ELSEWHERE)


def in_attribute(number: int, value: bytes) -> bytes:
    """A model with a node whose attribute holds it."""
    return field(7, field(1, field(5, field(1, "value") + field(number, value))))


@pytest.mark.parametrize(
    "content",
    [
        field(7, GRAPH),
        field(7, field(15, field(1, ELSEWHERE))),
        field(7, field(15, field(2, ELSEWHERE))),
        in_attribute(5, ELSEWHERE),
        in_attribute(6, GRAPH),
        in_attribute(10, ELSEWHERE),
        in_attribute(11, GRAPH),
        in_attribute(22, field(1, ELSEWHERE)),
        in_attribute(23, field(2, ELSEWHERE)),
        field(20, field(1, GRAPH)),
        field(20, field(2, GRAPH)),
        field(25, field(7, field(5, field(5, ELSEWHERE)))),
        field(25, field(11, field(5, ELSEWHERE))),
    ],
)
def test_a_tensor_elsewhere_is_found_wherever_it_may_stand(content: bytes) -> None:
    with pytest.raises(RefusedModelError) as caught:
        require_self_contained(linear() + content)
    assert caught.value.reason == "external_data"


def test_a_file_of_endless_fields_is_not_walked_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onnx_file_module, "_MOST_FIELDS", 1000)
    require_self_contained(linear() + b"\x08\x00" * 400)
    with pytest.raises(RefusedModelError, match="more than 1000 fields"):
        require_self_contained(linear() + b"\x08\x00" * 2000)


def test_a_file_in_ort_format_is_never_opened(tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "model.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(linear(), options, providers=[CPU])
    content = (tmp_path / "model.ort").read_bytes()
    assert onnxruntime.InferenceSession(content, providers=[CPU]).get_inputs()[0].name == "x"
    with pytest.raises(RefusedModelError, match="refuses it"):
        _session(content, [CPU])


def test_an_operator_that_nobody_knows_is_refused() -> None:
    node = helper.make_node("Mystery", ["x"], ["y"], domain="com.example")
    model = onnx.load_from_string(
        onnx_file([node], {"x": ("FP32", ["n", 3])}, {"y": ("FP32", ["n", 3])})
    )
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    with pytest.raises(RefusedModelError) as caught:
        OnnxSession(model.SerializeToString())
    assert caught.value.reason == "corrupt"


def test_weights_that_claim_more_than_they_hold_are_refused() -> None:
    model = onnx.load_from_string(linear())
    model.graph.initializer[0].dims[:] = [2**40]
    with pytest.raises(RefusedModelError) as caught:
        OnnxSession(model.SerializeToString())
    assert caught.value.reason == "corrupt"


@pytest.mark.parametrize(
    "configuration",
    [
        config(outputs=("y",), width=2**40),
        config(outputs=("y",), width=2**14, max_batch_size=65536),
    ],
)
def test_tensors_too_large_to_try_are_refused_before_there_is_memory_for_them(
    tmp_path: Path, configuration: ModelConfig
) -> None:
    content = identity("FP32", ["rows", "width"])
    publish(tmp_path, content=content, configuration=configuration)
    reason, message = refusal(tmp_path)
    assert (reason, "bytes" in message) == ("too_large", True)


def test_an_output_that_is_an_input_is_a_copy() -> None:
    shape = ["rows", 3]
    content = onnx_file([], {"x": ("FP32", shape)}, {"x": ("FP32", shape)})
    session = OnnxSession(content)
    given = np.ones((2, 3), np.float32)
    (found,) = session.run({"x": given}, ["x"])
    assert not np.shares_memory(found, given)


def test_an_output_without_dimensions_is_served_where_there_are_no_batches(tmp_path: Path) -> None:
    node = helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)
    content = onnx_file([node], {"x": ("FP32", [3])}, {"y": ("FP32", [])})
    publish(tmp_path, content=content, configuration=config(outputs=("y",), max_batch_size=0))
    assert refusal(tmp_path)[0] == "signature_mismatch"
    text = (tmp_path / "linear" / "config.pbtxt").read_text()
    head, output = text.split("output [")
    output = output.replace("dims: [ 3 ]", "dims: [ 1 ] reshape { shape: [ ] }")
    (tmp_path / "linear" / "config.pbtxt").write_text(head + "output [" + output)
    model = load(Repository(tmp_path), "linear", 1, LoadOptions())
    (found,) = model.session.run({"x": np.ones(3, np.float32)}, ["y"])
    assert (np.shape(found), float(found)) == ((), 3.0)


def test_an_alias_file_of_the_wrong_kind_is_an_error(tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / "linear" / "aliases.json").write_text(json.dumps({"champion": 1}) + " " * 70_000)
    assert Repository(tmp_path).aliases("linear") == {"champion": 1}
    (tmp_path / "linear" / "aliases.json").write_text(" " * 70_000 + json.dumps({"champion": 1}))
    with pytest.raises(RepositoryError):
        Repository(tmp_path).aliases("linear")


@pytest.mark.parametrize(
    ("operator", "quantised"),
    [
        ("QuantizeLinear", True),
        ("DynamicQuantizeLinear", True),
        ("MatMulInteger", True),
        ("QLinearMatMul", True),
        ("Mul", False),
    ],
)
def test_operators_in_8_bits_are_seen(operator: str, quantised: bool) -> None:  # noqa: FBT001
    node = helper.make_node(operator, ["x"], ["y"])
    content = onnx_file([node], {"x": ("FP32", [1])}, {"y": ("FP32", [1])})
    assert is_quantised(content) is quantised
