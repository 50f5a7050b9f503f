"""Tensors survive JSON and binary bit for bit, and what does not fit is refused by name."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rl_inference.doors.binary_tensors import read_binary, write_binary
from rl_inference.doors.json_tensors import read_json, write_json
from rl_inference.errors import InvalidInputError
from rl_inference.tensors import NUMPY

SHAPES = arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
NUMBERS = st.sampled_from([name for name in NUMPY if name != "BYTES"])


def texts(shape: tuple[int, ...], values: list[bytes]) -> np.ndarray[Any, Any]:
    array = np.empty(len(values), dtype=np.object_)
    array[:] = values
    return array.reshape(shape)


@given(st.data(), NUMBERS, SHAPES)
def test_numbers_survive_binary(data: st.DataObject, datatype: str, shape: tuple[int, ...]) -> None:
    array = data.draw(arrays.arrays(NUMPY[datatype], shape))
    offset = data.draw(st.integers(0, 7))
    content = memoryview(b"x" * offset + write_binary(datatype, array))[offset:]
    read = read_binary("in", datatype, shape, content)
    assert read.shape == shape
    assert read.tobytes() == array.tobytes()
    assert read.flags.aligned


@given(data=st.data(), datatype=NUMBERS, shape=SHAPES, nested=st.booleans())
def test_numbers_survive_json(
    data: st.DataObject, datatype: str, shape: tuple[int, ...], *, nested: bool
) -> None:
    elements = arrays.from_dtype(NUMPY[datatype], allow_nan=False, allow_infinity=False)
    array = data.draw(arrays.arrays(NUMPY[datatype], shape, elements=elements))
    written = array if nested else write_json("out", datatype, array)
    values = orjson.loads(orjson.dumps(written, option=orjson.OPT_SERIALIZE_NUMPY))
    read = read_json("in", datatype, shape, values)
    assert read.dtype == array.dtype
    assert np.array_equal(read, array)


@given(st.lists(st.binary(max_size=8), max_size=6))
def test_bytes_survive_binary(values: list[bytes]) -> None:
    array = texts((len(values),), values)
    content = memoryview(write_binary("BYTES", array))
    assert read_binary("in", "BYTES", array.shape, content).tolist() == values


@given(st.lists(st.text(max_size=8).filter(lambda text: text.isprintable()), max_size=6))
def test_texts_survive_json(values: list[str]) -> None:
    read = read_json("in", "BYTES", (len(values),), values)
    assert write_json("out", "BYTES", read) == values


@given(NUMBERS, SHAPES, st.binary(max_size=64))
def test_any_bytes_are_a_tensor_or_refused(
    datatype: str, shape: tuple[int, ...], content: bytes
) -> None:
    try:
        read = read_binary("in", datatype, shape, memoryview(content))
    except InvalidInputError:
        return
    assert read.shape == shape
    assert read.nbytes == len(content)


@given(SHAPES, st.binary(max_size=64))
def test_any_bytes_are_texts_or_refused(shape: tuple[int, ...], content: bytes) -> None:
    try:
        read = read_binary("in", "BYTES", shape, memoryview(content))
    except InvalidInputError:
        return
    assert write_binary("BYTES", read) == content
    assert read.size == prod(shape)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=12,
)


@given(st.sampled_from(sorted(NUMPY)), SHAPES, JSON_VALUES)
def test_any_value_is_a_tensor_or_refused(
    datatype: str, shape: tuple[int, ...], value: object
) -> None:
    try:
        read = read_json("in", datatype, shape, value)
    except InvalidInputError:
        return
    assert (read.shape, read.dtype) == (shape, NUMPY[datatype])


@pytest.mark.parametrize(
    ("datatype", "data", "says"),
    [
        ("FP32", [1.0, None], "null"),
        ("FP32", [1.0, "2"], "a text"),
        ("FP32", [1.0, True], "a truth value"),
        ("FP32", [1.0, {}], "an object"),
        ("INT32", [1, 2.0], "a fraction"),
        ("INT32", [1, 2**31], "does not fit"),
        ("UINT8", [1, -1], "does not fit"),
        ("UINT64", [1, -1], "does not fit"),
        ("BOOL", [True, 1], "an integer"),
        ("BYTES", ["a", 1], "an integer"),
        ("FP32", [1.0], "holds 2 values, got 1"),
        ("FP32", [1.0, 2.0, 3.0], "holds 2 values, got 3"),
        ("FP32", [[1.0], [2.0]], "nested"),
        ("FP32", [[1.0, 2.0], [3.0, 4.0]], "2 rows, not 1"),
        ("FP32", [[1.0, [2.0]]], "a list"),
        ("FP32", "1 2", "must be a list"),
        ("FP32", None, "must be a list"),
    ],
)
def test_json_that_does_not_fit_is_refused(datatype: str, data: object, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        read_json("in", datatype, (1, 2), data)


def test_a_number_beyond_fp32_is_infinite_as_it_is_in_binary() -> None:
    assert read_json("in", "FP32", (1,), [1e39]).tolist() == [np.inf]


def test_deep_nesting_is_refused_before_it_costs_anything() -> None:
    deep: list[Any] = []
    for _ in range(900):
        deep = [deep]
    with pytest.raises(InvalidInputError, match="'in'"):
        read_json("in", "FP32", (1, 1), deep)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x01\x00", "length of a BYTES element is cut off"),
        (b"\xff\xff\xff\xff", "a BYTES element is cut off"),
        (b"\x02\x00\x00\x00a", "a BYTES element is cut off"),
        (b"", "holds 1 BYTES elements"),
        (b"\x00\x00\x00\x00" * 2, "holds 1 BYTES elements"),
    ],
)
def test_broken_texts_are_refused(content: bytes, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        read_binary("in", "BYTES", (1,), memoryview(content))


def test_a_truth_value_is_one_or_zero() -> None:
    with pytest.raises(InvalidInputError, match="0 or 1"):
        read_binary("in", "BOOL", (2,), memoryview(b"\x01\x02"))


def test_bytes_that_are_no_text_cannot_be_json() -> None:
    with pytest.raises(InvalidInputError, match="binary_data"):
        write_json("out", "BYTES", texts((1,), [b"\xff"]))
