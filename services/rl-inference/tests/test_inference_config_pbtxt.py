"""`config.pbtxt`: what is written is read again, and every fault names its line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_inference.models.config_pbtxt import (
    ConfigError,
    ModelConfig,
    TensorConfig,
    as_json,
    read_config,
    written,
)
from rl_inference.tensors import NUMPY, TensorSpec

SIMPLE = b"""
# as Triton's examples have it
name: "simple"
platform: "onnxruntime_onnx"
max_batch_size: 8
version_policy: { all { } }
instance_group [ { kind: KIND_CPU, count: 1 } ]
input [
  { name: "INPUT0" data_type: TYPE_INT32 dims: [ 16 ] },
  { name: 'INPUT1', data_type: TYPE_STRING; dims: 4 dims: -1 }
]
output < name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 1 ] reshape: { shape: [ ] } >
"""

dims = st.lists(st.one_of(st.just(-1), st.integers(1, 9999)), min_size=1, max_size=4).map(tuple)
tensors = st.lists(
    st.builds(
        TensorConfig,
        name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
        datatype=st.sampled_from(sorted(NUMPY)),
        dims=dims,
        reshape=st.one_of(st.none(), st.just(()), dims),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda tensor: tensor.name,
).map(tuple)
configs = st.builds(
    ModelConfig,
    name=st.text(st.characters(codec="utf-8"), max_size=20),
    platform=st.sampled_from(["onnxruntime_onnx", "pytorch_libtorch"]),
    max_batch_size=st.integers(0, 65_536),
    inputs=tensors,
    outputs=tensors,
)


@settings(deadline=None)
@given(configs)
def test_what_is_written_is_read_again(config: ModelConfig) -> None:
    assert read_config(written(config).encode()) == config


@settings(deadline=None)  # the machine may be busy
@given(st.binary(max_size=300))
def test_any_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(ConfigError, match=r"^config\.pbtxt: "):
        read_config(content)


@settings(deadline=None)
@given(st.text(alphabet='{}[]<>:,;"\\ \n#azT_19.-e', max_size=200))
def test_any_signs_are_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        read_config(text.encode())


def test_tritons_own_style_is_read() -> None:
    config = read_config(SIMPLE)
    assert config.max_batch_size == 8
    assert [config.spec(each) for each in config.inputs] == [
        TensorSpec("INPUT0", "INT32", (-1, 16)),
        TensorSpec("INPUT1", "BYTES", (-1, 4, -1)),
    ]
    assert config.spec(config.outputs[0]) == TensorSpec("OUTPUT0", "FP32", (-1,))


def test_an_empty_list_is_no_field() -> None:
    assert read_config(SIMPLE + b"ensemble_scheduling: [] max_batch_size: []") == read_config(
        SIMPLE
    )
    with pytest.raises(ConfigError, match="neither `platform` nor `backend`"):
        read_config(b"platform: []")


def test_the_json_form_has_tritons_words() -> None:
    shown = as_json(read_config(SIMPLE))
    assert shown["backend"] == "onnxruntime"
    assert shown["input"][1] == {"name": "INPUT1", "data_type": "TYPE_STRING", "dims": [4, -1]}
    assert shown["output"][0]["reshape"] == {"shape": []}


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (b"max_batch_size: 8", b"max_batch_size: -8", "line 5: max_batch_size is between"),
        (b"max_batch_size: 8", b"max_batch_size: 8 max_batch_size: 9", "line 5: `max_batch_size`"),
        (b"TYPE_INT32", b"TYPE_INT33", "line 9: the data_type `TYPE_INT33`"),
        (b'"INPUT0"', b"INPUT0", "line 9: `name` is a text in quotes"),
        (b"dims: [ 16 ]", b"dims: [ 0 ]", "line 9: dims are numbers"),
        (b"dims: [ 16 ]", b"dims: [ ]", "line 9: dims are numbers"),
        (b"dims: [ 16 ]", b"dims: [ 16", "line 9: `]` is missing"),
        (b"dims: [ 16 ]", b"dims 16", "line 9: `:` is missing"),
        (b"INPUT1", b"INPUT0", "the input `INPUT0` is there twice"),
        (b"version_policy", b"ensemble_scheduling", "line 6: `ensemble_scheduling`"),
        (b'"onnxruntime_onnx"', b'"tensorflow_savedmodel"', "is not served here"),
        (b'name: "simple"', b'name: "sim\\q"', "line 3: the escape"),
        (b"]\noutput", b"\noutput", "is missing"),
        (b"8", b"9" * 5000, "is out of place"),
        (b"version_policy: { all { } }", b"a: {" * 40, "nested more than"),
    ],
)
def test_a_fault_names_its_line(before: bytes, after: bytes, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(SIMPLE.replace(before, after, 1))
    assert sentence in str(caught.value)


def test_too_much_text_is_not_read() -> None:
    with pytest.raises(ConfigError, match="more than 65536 bytes"):
        read_config(b"#" * 70_000)


def test_a_backend_stands_for_its_platform() -> None:
    by_backend = SIMPLE.replace(b'platform: "onnxruntime_onnx"', b'backend: "onnxruntime"')
    assert read_config(by_backend) == read_config(SIMPLE)
