"""Inference requests: what clients send is read, what is hostile is refused by name."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.inference_plane import FunctionSession, a_model, adder, identity

from rl_inference.doors.content_encoding import (
    TooLargeInputError,
    UnknownEncodingError,
    encoding_wanted,
    packed,
    unpacked,
)
from rl_inference.doors.inference_request import InferenceRequest, read_request
from rl_inference.doors.remembered_heads import RememberedHeads
from rl_inference.doors.remembered_json import RememberedJson
from rl_inference.errors import InvalidInputError
from rl_inference.models.loaded import LoadedModel
from rl_inference.tensors import ANY, TensorSpec

GZIPPED = gzip.compress(b"x", mtime=0)  # with a time in it, a test would have another name
LEFT = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
RIGHT = np.array([[10, 20, 30], [40, 50, 60]], np.float32)


def tensor(name: str, /, **fields: Any) -> dict[str, Any]:
    values = {"name": name, "datatype": "FP32", "shape": [2, 3], "data": LEFT.ravel().tolist()}
    return {key: value for key, value in (values | fields).items() if value is not ...}


EMPTY = {"name": "left", "datatype": "FP32", "shape": [0, 3], "data": []}


def request(**fields: Any) -> dict[str, Any]:
    return {"inputs": [tensor("left"), tensor("right")]} | fields


def read(value: object, model: LoadedModel | None = None) -> InferenceRequest:
    return read_request(orjson.dumps(value), None, model or adder())


def binary(left: int = 24, right: int = 24, *, tail: bytes = b"") -> tuple[bytes, bytes]:
    """A request whose tensors stand behind its JSON, and the length of that."""
    inputs = [
        tensor("left", data=..., parameters={"binary_data_size": left}),
        tensor("right", data=..., parameters={"binary_data_size": right}),
    ]
    head = orjson.dumps({"inputs": inputs})
    return head + LEFT.tobytes() + RIGHT.tobytes() + tail, str(len(head)).encode()


def test_json_becomes_arrays_and_all_outputs_are_asked_for() -> None:
    found = read(request(id="42"))
    assert np.array_equal(found.inputs["left"], LEFT)
    assert (found.outputs, found.binary) == (("sum", "totals"), (False, False))
    assert (found.id, found.rows, found.timeout_s, found.priority) == ("42", 2, None, 0)


def test_binary_tensors_follow_the_json() -> None:
    body, length = binary()
    found = read_request(body, length, adder())
    assert np.array_equal(found.inputs["left"], LEFT)
    assert np.array_equal(found.inputs["right"], RIGHT)


def test_each_output_is_wanted_in_its_own_way() -> None:
    outputs = [{"name": "totals"}, {"name": "sum", "parameters": {"binary_data": False}}]
    found = read(request(outputs=outputs, parameters={"binary_data_output": True}))
    assert (found.outputs, found.binary) == (("totals", "sum"), (True, False))


def test_a_raw_body_is_the_one_input() -> None:
    array = np.arange(6, dtype=np.float32).reshape(3, 2)
    found = read_request(array.tobytes(), b"0", identity("FP32"))
    assert np.array_equal(found.inputs["in"], array)
    assert (found.rows, found.binary) == (3, (True,))


@pytest.mark.parametrize("model", [adder(), identity("BYTES")])
def test_a_raw_body_needs_one_input_of_known_size(model: LoadedModel) -> None:
    with pytest.raises(InvalidInputError, match="raw"):
        read_request(b"12345", b"0", model)


def test_a_raw_body_of_half_a_row_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="needs 8 bytes, got 9"):
        read_request(b"123456789", b"0", identity("FP32"))


@pytest.mark.parametrize("length", [b"-1", b"+1", b"", b"x", b"1e3", b"9" * 40, b" 5", b"200"])
def test_a_header_length_out_of_range_is_refused(length: bytes) -> None:
    with pytest.raises(InvalidInputError, match="Inference-Header-Content-Length"):
        read_request(orjson.dumps(request())[:150], length, adder())


@pytest.mark.parametrize(
    ("left", "right", "tail", "says"),
    [
        (24, 24, b"x", "unexpected 1 bytes"),
        (24, 25, b"", "'right': binary_data_size is 25, but 24"),
        (20, 24, b"", "'left'.*needs 24 bytes, got 20"),
        (2**62, 24, b"", "'left': binary_data_size is 4611686018427387904, but 48"),
        (-1, 24, b"", "binary_data_size must be"),
    ],
)
def test_binary_sizes_that_lie_are_refused(left: int, right: int, tail: bytes, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        read_request(*binary(left, right, tail=tail), adder())


HOSTILE_INPUTS: list[tuple[dict[str, Any], str]] = [
    ({"shape": [-2, 3]}, "whole numbers"),
    ({"shape": [2**31, 2**33]}, "whole numbers"),
    ({"shape": [2**30, 3]}, "batch-size must be <= 64"),
    ({"shape": [2.0, 3]}, "whole numbers"),
    ({"shape": [True, 3]}, "whole numbers"),
    ({"shape": [2, 3, 1]}, r"expects \[-1, 3\]"),
    ({"shape": [3, 2]}, r"expects \[-1, 3\]"),
    ({"shape": []}, r"expects \[-1, 3\]"),
    ({"shape": [1] * 17}, "list of numbers"),
    ({"shape": "2,3"}, "list of numbers"),
    ({"shape": None}, "list of numbers"),
    ({"datatype": "FP64"}, "FP64, the model has FP32"),
    ({"datatype": None}, "datatype is none"),
    ({"datatype": "fp32"}, "fp32, the model"),
    ({"name": "middle"}, "unexpected inference input 'middle'"),
    ({"name": "right"}, "'right' stands in the request more than once"),
    ({"name": ""}, "must have a name"),
    ({"name": "  "}, "must have a name"),
    ({"name": 7}, "must have a name"),
    ({"name": "x" * 300}, "longer than"),
    ({"data": ...}, "'left': data must be a list"),
    ({"data": [1.0]}, "'left'.*6 values, got 1"),
    ({"parameters": {"binary_data_size": 24}}, "both data and binary_data_size"),
    ({"parameters": []}, "must be an object"),
    ({"parameters": {"x": []}}, "must be a text, number or boolean"),
    ({"data": ..., "parameters": {"binary_data_size": "24"}}, "binary_data_size must be"),
    ({"shape": [0, 3], "data": []}, "differ in their rows"),
]


@pytest.mark.parametrize(("fields", "says"), HOSTILE_INPUTS)
def test_a_hostile_input_is_refused_by_name(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        read({"inputs": [tensor("right"), tensor("left", **fields)]})


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], "JSON object"),
        ({}, "inputs must be a list"),
        ({"inputs": []}, "inputs must be a list"),
        ({"inputs": {}}, "inputs must be a list"),
        ({"inputs": [1]}, "must be an object"),
        ({"inputs": [{}] * 300}, "more than 256"),
        ({"inputs": [tensor("left")]}, "expected 2 inputs but got 1 .*missing 'right'"),
        (request(outputs=[{"name": "sum"}, {"name": "sum"}]), "more than once"),
        (request(outputs=[{"name": "none"}]), "unexpected inference output 'none'"),
        (request(outputs=[{}]), "must have a name"),
        (request(outputs={}), "outputs must be a list"),
        (request(outputs=[{"name": "sum", "parameters": {"classification": 2}}]), "classification"),
        (request(outputs=[{"name": "sum", "parameters": {"binary_data": 1}}]), "true or false"),
        (request(parameters={"binary_data_output": "yes"}), "true or false"),
        (request(parameters={"sequence_id": 7}), "keep no state"),
        (request(parameters={"timeout": -1}), "'timeout' must be"),
        (request(parameters={"priority": 1.5}), "'priority' must be"),
        (request(parameters=7), "must be an object"),
        (request(id=7), "id must be a text"),
        (request(id="x" * 300), "id must be a text"),
        (
            {
                "inputs": [
                    tensor("left", shape=[0, 3], data=[]),
                    tensor("right", shape=[0, 3], data=[]),
                ]
            },
            "no rows",
        ),
    ],
)
def test_a_hostile_request_is_refused(value: object, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        read(value)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe{}", b'{"id":"\xff"}', b"[" * 5000, b'{"inputs":NaN}', b'{"a":1}x'],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInputError, match="JSON"):
        read_request(body, None, adder())


def test_more_rows_than_a_batch_holds_are_refused() -> None:
    rows = [tensor(name, shape=[65, 3], data=[0.0] * 195) for name in ("left", "right")]
    with pytest.raises(InvalidInputError, match="batch-size must be <= 64"):
        read({"inputs": rows})


@pytest.mark.parametrize(("told", "priority"), [(0, 0), (1, 1), (2, 0), (3, -1)])
def test_priorities_are_those_of_triton(told: int, priority: int) -> None:
    found = read(request(parameters={"priority": told, "timeout": 1500}))
    assert (found.priority, found.timeout_s) == (priority, 0.0015)


@given(st.binary(max_size=80), st.none() | st.integers(0, 90))
def test_any_bytes_are_read_or_refused(body: bytes, length: int | None) -> None:
    with pytest.raises(InvalidInputError):
        read_request(body, None if length is None else b"%d" % length, adder())


@given(st.data())
def test_a_request_cut_or_changed_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    body, length = binary()
    place = data.draw(st.integers(0, len(body) - 1))
    changed = bytearray(body)
    changed[place] = data.draw(st.integers(0, 255))
    for hostile in (body[:place], changed):
        try:
            found = read_request(bytes(hostile), length, adder())
        except InvalidInputError:
            continue
        assert found.inputs.keys() == {"left", "right"}


@given(st.data())
def test_a_remembered_head_changes_nothing(data: st.DataObject) -> None:
    """The same head, with other numbers, cut, changed, or for another model."""
    heads, models = RememberedHeads(), [adder(), adder(), identity("FP32")]
    for _ in range(4):
        body, length = binary(tail=data.draw(st.sampled_from([b"", b"x"])))
        changed = bytearray(body)
        place = data.draw(st.integers(0, len(body) - 1))
        changed[place] = data.draw(st.integers(0, 255))
        model = data.draw(st.sampled_from(models))
        for sent in (body, bytes(changed), body[:place]):
            assert outcome(heads.read, sent, length, model) == outcome(
                read_request, sent, length, model
            )


JSON_CHANGES: list[dict[str, Any]] = [
    {},
    {"id": "42"},
    {"id": 42},
    {"id": "x" * 257},
    {"outputs": [{"name": "sum"}]},
    {"parameters": {"priority": 1, "timeout": 5_000_000}},
    {"parameters": {"binary_data_output": True}},
    {"inputs": [tensor("left", shape=[2, True]), tensor("right")]},
    {"inputs": [tensor("left"), tensor("right", data=[True, *range(5)])]},
    {"inputs": [tensor("left"), tensor("right", data=[[7, 8, 9], [1, 2, 3]])]},
    {"inputs": [tensor("left"), tensor("right", data=[1, 2])]},
    {"inputs": [tensor("left"), tensor("right", data=[*range(5), False])]},
    {"inputs": [tensor("left"), tensor("right", data=[1e39, -1e39, 5e-324, -0.0, 0.1, 2**60])]},
    {"inputs": [tensor("left"), tensor("right", data=[None, *range(5)])]},
    {"inputs": [tensor("left"), tensor("right", data=["1", *range(5)])]},
    {"inputs": [tensor("left"), tensor("right", data="123456")]},
    {"inputs": [tensor("left"), tensor("right", data={str(each): each for each in range(6)})]},
    {"inputs": [tensor("left"), tensor("right", data=6)]},
    {"id": "true", "inputs": [tensor("left"), tensor("right", data=[0.25, *range(5)])]},
    {"inputs": [tensor("right"), tensor("left")]},
    {"inputs": [tensor("left"), tensor("right", data=...)]},
    {"inputs": [tensor("left"), 7]},
    {"inputs": {}},
]


@given(st.lists(st.tuples(st.sampled_from(JSON_CHANGES), st.integers(0, 2)), max_size=12))
def test_a_remembered_frame_changes_nothing(sent: list[tuple[dict[str, Any], int]]) -> None:
    """One after the other, each is read as it is read alone, whatever came before it."""
    memory, models = RememberedJson(), [adder(), adder(), identity("FP32")]
    for fields, number in sent:
        body, model = orjson.dumps(request(**fields)), models[number]
        alone = outcome(lambda *asked: read_request(asked[0], None, asked[2]), body, b"", model)
        assert outcome(lambda *asked: memory.read(asked[0], asked[2]), body, b"", model) == alone


@pytest.mark.parametrize("data", ["", {}])
def test_a_remembered_input_without_numbers_is_a_list(data: object) -> None:
    spec = TensorSpec("in", "FP32", (ANY, ANY))
    model, memory = a_model("open", FunctionSession((spec,), (spec,), dict)), RememberedJson()
    entry = {"name": "in", "datatype": "FP32", "shape": [1, 0]}
    memory.read(orjson.dumps({"inputs": [entry | {"data": []}]}), model)
    with pytest.raises(InvalidInputError, match="data must be a list"):
        memory.read(orjson.dumps({"inputs": [entry | {"data": data}]}), model)


@pytest.mark.parametrize("more", [{"data": []}, {"parameters": {"binary_data_size": 0}}])
def test_a_shape_that_no_request_holds_is_refused_though_it_holds_nothing(
    more: dict[str, Any],
) -> None:
    spec = TensorSpec("in", "FP32", (ANY, ANY, ANY))
    model = a_model("open", FunctionSession((spec,), (spec,), dict))
    entry = {"name": "in", "datatype": "FP32", "shape": [0, 2**31 - 1, 2**31 - 1]}
    body = orjson.dumps({"inputs": [entry | more]})
    with pytest.raises(InvalidInputError, match="no array has a shape"):
        read_request(body, b"%d" % len(body), model)


def test_what_nests_too_deep_to_be_remembered_is_refused_as_ever() -> None:
    nested = b'{"a":' * 600 + b"1" + b"}" * 600
    body = orjson.dumps(request())[:-1] + b',"parameters":' + nested + b"}"
    with pytest.raises(InvalidInputError, match="parameter 'a' of request must be"):
        RememberedJson().read(body, adder())


def outcome(reading: Any, body: bytes, length: bytes, model: LoadedModel) -> object:
    try:
        found = reading(body, length, model)
    except InvalidInputError as error:
        return str(error)
    arrays = {name: (each.shape, each.tobytes()) for name, each in found.inputs.items()}
    return arrays, replace(found, inputs={})


@given(st.binary(max_size=3000), st.sampled_from(["gzip", "deflate"]))
def test_packing_is_undone(body: bytes, encoding: str) -> None:
    assert unpacked(packed(body, encoding), encoding.encode(), len(body)) == body


def test_what_unfolds_too_far_is_refused_before_it_does() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    with pytest.raises(TooLargeInputError, match="1,000"):
        unpacked(bomb, b"gzip", 1000)


@pytest.mark.parametrize(
    "body",
    [b"", b"plain", GZIPPED[:-1], GZIPPED + b"y", zlib.compress(b"x")],
)
def test_what_is_not_one_whole_stream_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInputError, match="gzip"):
        unpacked(body, b"gzip", 1000)


def test_another_encoding_is_refused() -> None:
    with pytest.raises(UnknownEncodingError, match="br"):
        unpacked(b"", b"br", 1000)


@pytest.mark.parametrize(
    ("accepts", "encoding"),
    [
        (None, None),
        (b"", None),
        (b"br", None),
        (b"gzip", "gzip"),
        (b"gzip, deflate", "gzip"),
        (b"gzip;q=0.5, deflate", "deflate"),
        (b"GZIP;q=0", None),
        (b"deflate; q=x, gzip;q=0.1", "gzip"),
        (b"\xff,,;=", None),
    ],
)
def test_the_answer_is_packed_as_the_client_prefers(
    accepts: bytes | None, encoding: str | None
) -> None:
    assert encoding_wanted(accepts) == encoding
