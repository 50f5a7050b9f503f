"""Hostile inferences over the wire, after the kinds that Triton's own suite tries, on both ways.

Each is refused with a status and a sentence in the protocol's form, alike on the hot way and on the
ordinary one, and the connection lives on.
"""

from __future__ import annotations

import gzip
import zlib
from functools import cache
from typing import Any

import numpy as np
import orjson
import pytest
from support.inference_doors import MAX_BODY_BYTES, TOKEN, Doors, conversation
from support.inference_plane import FakePlane, FunctionSession, a_model, adder, identity, policy

from rl_inference.models.loaded import LoadedModel
from rl_inference.tensors import ANY, TensorSpec

ADDER, TEXTS, RAW = (f"/v2/models/{name}/infer" for name in ("adder", "identity-bytes", "raw"))


def open_ended() -> LoadedModel:
    """One input with two dimensions that a raw body cannot tell."""
    spec = TensorSpec("in", "FP16", (ANY, ANY))
    return a_model("open", FunctionSession((spec,), (spec,), dict))


def one_text() -> LoadedModel:
    spec = TensorSpec("in", "BYTES", (ANY, 1))
    out = TensorSpec("out", "BYTES", (ANY, 1))
    return a_model("text", FunctionSession((spec,), (out,), lambda given: {"out": given["in"]}))


@cache
def doors() -> Doors:
    models = (adder(), policy(), identity("BYTES"), identity("FP32", name="raw"))
    booleans = identity("BOOL", name="booleans")
    return Doors(FakePlane(*models, booleans, open_ended(), one_text()))


def message(path: str, body: bytes, **headers: Any) -> bytes:
    usual = {
        "host": "doors",
        "authorization": TOKEN,
        "x-request-id": "r1",
        "content-length": str(len(body)),
    }
    named = usual | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


LAST = message(
    RAW, np.zeros(2, np.float32).tobytes(), inference_header_content_length="0", connection="close"
)


async def refused(sent: bytes) -> tuple[int, str]:
    """Status and sentence of both ways' answer; the request after it is answered too."""
    answers = [await conversation(doors(), [sent + LAST], fast=fast) for fast in (True, False)]
    assert answers[0] == answers[1]
    head, _, rest = answers[0].partition(b"\r\n\r\n")
    length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    assert b"content-type: application/json\r\n" in head, head
    assert rest[length:].startswith(b"HTTP/1.1 200 OK\r\n")
    error = orjson.loads(rest[:length])
    assert error.keys() == {"error"}
    return int(head.split()[1]), error["error"]


def inputs(**fields: Any) -> bytes:
    """An inference of the adder whose first input has `fields`; `...` leaves one out."""
    usual = {"name": "left", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}
    changed = {key: value for key, value in (usual | fields).items() if value is not ...}
    return orjson.dumps({"inputs": [changed, usual | {"name": "right"}]})


def whole(**fields: Any) -> bytes:
    """An inference of the adder with `fields` beside its inputs."""
    return orjson.dumps(orjson.loads(inputs()) | fields)


def binary(size: Any, bytes_sent: int = 12) -> dict[str, Any]:
    """An inference of the raw model whose tensor stands behind the JSON; `size` is what it says."""
    tensor = {"name": "in", "datatype": "FP32", "shape": [1, 2]}
    head = orjson.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": size}}]})
    return {"body": head + b"\0" * bytes_sent, "inference_header_content_length": len(head)}


REFUSED: dict[str, tuple[bytes, str]] = {
    "a negative dimension": (inputs(shape=[2, -5]), "whole numbers"),
    "an element count over 64 bits": (inputs(shape=[2**4, 2**60 + 2]), "whole numbers"),
    "a byte size over 64 bits": (inputs(shape=[2**2, 2**60 + 2]), "whole numbers"),
    "a dimension over 64 bits": (inputs(shape=[8, 3]).replace(b"8", b"%d" % 2**64), "whole"),
    "more rows than a batch": (inputs(shape=[2**30, 3]), "batch-size must be <= 64"),
    "no name": (inputs(name=...), "must have a name"),
    "a name of nothing": (inputs(name=None), "must have a name"),
    "no shape": (inputs(shape=...), "shape must be a list"),
    "no datatype": (inputs(datatype=...), "datatype is none"),
    "another datatype": (inputs(datatype="INT32"), "datatype is INT32"),
    "a datatype that is none": (inputs(datatype="FP31"), "datatype is FP31"),
    "no data": (inputs(data=...), "data must be a list"),
    "data of null": (inputs(data=None), "data must be a list"),
    "data that is an object": (inputs(data={}), "data must be a list"),
    "texts for numbers": (inputs(data=["1", "2", "3"]), "holds a text"),
    "null among numbers": (inputs(data=[1, None, 3]), "holds null"),
    "true among numbers": (inputs(data=[1, True, 3]), "holds a truth value"),
    "too few values": (inputs(data=[1]), "got 1"),
    "too many values": (inputs(data=[1] * 4), "got 4"),
    "ragged data": (inputs(shape=[2, 3], data=[[1, 2, 3], [4, 5]]), "not nested"),
    "data nested too deep": (inputs(data=orjson.loads("[" * 120 + "1" + "]" * 120)), "not nested"),
    "JSON nested beyond the parser": (b'{"inputs":' + b"[" * 2000 + b"]" * 2000 + b"}", "JSON"),
    "invalid UTF-8": (inputs().replace(b"left", b"l\xfft"), "failed to parse"),
    "half of a surrogate pair": (whole(id="x").replace(b'"x"', b'"\\ud800"'), "failed to parse"),
    "NaN": (inputs().replace(b"[1,2,3]", b"[NaN,2,3]"), "failed to parse"),
    "Infinity": (inputs().replace(b"[1,2,3]", b"[-Infinity,2,3]"), "failed to parse"),
    "a number over every bound": (inputs().replace(b"[1,2,3]", b"[1e999,2,3]"), "failed to parse"),
    "two documents": (inputs() + inputs(), "failed to parse"),
    "nothing": (b"", "failed to parse"),
    "a list": (b"[]", "JSON object"),
    "a field twice": (inputs()[:-1] + b',"inputs":[]}', "twice"),
    "a field twice, spaced": (inputs()[:-1] + b',"id" :"a","id":"b"}', "twice"),
    "a field of an input twice": (inputs().replace(b'{"name"', b'{"name":"x","name"'), "twice"),
    "a parameter twice": (
        whole(parameters={"priority": 1}).replace(b'{"priority"', b'{"priority":2,"priority"'),
        "twice",
    ),
    "no inputs": (orjson.dumps({"inputs": []}), "at least one tensor"),
    "an input twice": (inputs(name="right"), "more than once"),
    "an input too few": (orjson.dumps({"inputs": [{}]}), "must have a name"),
    "an unknown input": (inputs(name="middle"), "unexpected inference input"),
    "an unknown output": (whole(outputs=[{"name": "none"}]), "unexpected inference output"),
    "an output twice": (whole(outputs=[{"name": "sum"}] * 2), "more than once"),
    "an output without a name": (whole(outputs=[{}]), "must have a name"),
    "outputs that are a text": (whole(outputs="sum"), "outputs must be a list"),
    "a priority below zero": (whole(parameters={"priority": -1}), "'priority' must be"),
    "a priority above all": (whole(parameters={"priority": 101}), "'priority' must be"),
    "a priority that is a text": (whole(parameters={"priority": "1"}), "'priority' must be"),
    "a timeout below zero": (whole(parameters={"timeout": -5}), "'timeout' must be"),
    "a timeout over 64 bits": (whole(parameters={"timeout": 2**64 - 1}), "'timeout' must be"),
    "a timeout that is a fraction": (whole(parameters={"timeout": 0.5}), "'timeout' must be"),
    "a sequence": (whole(parameters={"sequence_id": 7}), "keep no state"),
    "an input in shared memory": (
        inputs(data=..., parameters={"shared_memory_region": "r", "shared_memory_byte_size": 12}),
        "shared memory is not supported",
    ),
    "an output in shared memory": (
        whole(outputs=[{"name": "sum", "parameters": {"shared_memory_region": "r"}}]),
        "shared memory is not supported",
    ),
    "classification": (
        whole(outputs=[{"name": "sum", "parameters": {"classification": 3}}]),
        "classification is not supported",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_hostile_body_is_refused(name: str) -> None:
    body, says = REFUSED[name]
    status, sentence = await refused(message(ADDER, body))
    assert status == 400
    assert says in sentence


@pytest.mark.parametrize("length", ["-1", "1e2", "x", "0x10", "99999", "9" * 5000, "1 2", ""])
async def test_a_header_length_that_lies_is_refused(length: str) -> None:
    sent = message(ADDER, inputs(), inference_header_content_length=length)
    status, sentence = await refused(sent)
    assert status == 400
    assert "Inference-Header-Content-Length" in sentence
    assert len(sentence) < 200


@pytest.mark.parametrize("cut", [1, 40])
async def test_a_header_length_within_the_json_is_refused(cut: int) -> None:
    sent = message(ADDER, inputs(), inference_header_content_length=len(inputs()) - cut)
    assert (await refused(sent))[0] == 400


@pytest.mark.parametrize(
    ("size", "says"),
    [
        (-1, "must be a number of bytes"),
        ("8", "must be a number of bytes"),
        (8.0, "must be a number of bytes"),
        (True, "must be a number of bytes"),
        (2**63, "bytes are left"),
        (2**70, "must be a number of bytes"),
        (13, "bytes are left"),
        (12, "needs 8 bytes, got 12"),
        (4, "needs 8 bytes, got 4"),
        (0, "needs 8 bytes, got 0"),
        (8, "unexpected 4 bytes"),
    ],
)
async def test_a_binary_size_that_lies_is_refused(size: Any, says: str) -> None:
    head = orjson.dumps(size) if size != 2**70 else str(2**70).encode()
    made = binary("@")
    body = made["body"].replace(b'"@"', head)
    length = made["inference_header_content_length"] + len(head) - 3
    status, sentence = await refused(message(RAW, body, inference_header_content_length=length))
    assert status == 400
    assert says in sentence


@pytest.mark.parametrize(
    "content",
    [
        b"\x02\0\0\0a",  # shorter than it says
        b"\xff\xff\xff\xffa",
        b"\x01\0\0",  # its length is cut off
        b"\x01\0\0\0a",  # one of two
        b"\x01\0\0\0a" * 3,
        b"",
    ],
)
async def test_texts_of_wrong_lengths_are_refused(content: bytes) -> None:
    tensor = {"name": "in", "datatype": "BYTES", "shape": [1, 2]}
    head = orjson.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": len(content)}}]})
    sent = message(TEXTS, head + content, inference_header_content_length=len(head))
    assert (await refused(sent))[0] == 400


@pytest.mark.parametrize(
    ("model", "body", "says"),
    [
        ("adder", b"\0" * 24, "one input"),
        ("open", b"\0" * 8, "cannot tell its shape"),
        ("identity-bytes", b"427", "one BYTES element"),
        ("raw", b"\0" * 7, "needs 0 bytes, got 7"),
        ("raw", b"", "no rows"),
        ("raw", b"\0" * 8 * 65, "batch-size must be <= 64"),
    ],
)
async def test_a_raw_body_that_fits_no_model_is_refused(model: str, body: bytes, says: str) -> None:
    sent = message(f"/v2/models/{model}/infer", body, inference_header_content_length="0")
    status, sentence = await refused(sent)
    assert status == 400
    assert says in sentence


async def test_one_text_may_come_raw() -> None:
    sent = message("/v2/models/text/infer", b"427", inference_header_content_length="0")
    answers = [await conversation(doors(), [sent + LAST], fast=fast) for fast in (True, False)]
    assert answers[0] == answers[1]
    assert b"\x03\0\0\x00427" in answers[0]


async def test_a_truth_value_is_zero_or_one() -> None:
    sent = message("/v2/models/booleans/infer", b"\1\2", inference_header_content_length="0")
    assert await refused(sent) == (400, "input 'in': a BOOL is a byte of 0 or 1")


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("kind", ["cut", "plain", "more", "empty"])
async def test_a_packed_body_that_is_none_is_refused(encoding: str, kind: str) -> None:
    packed = (gzip.compress if encoding == "gzip" else zlib.compress)(inputs())
    body = {"cut": packed[:-3], "plain": inputs(), "more": packed + b"x", "empty": b""}[kind]
    status, sentence = await refused(message(ADDER, body, content_encoding=encoding))
    assert status == 400
    assert encoding in sentence


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_packed_bomb_is_refused(encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    sent = message(ADDER, pack(b" " * 50_000_000), content_encoding=encoding)
    assert (await refused(sent))[0] == 413


async def test_an_unknown_encoding_is_refused_briefly() -> None:
    status, sentence = await refused(message(ADDER, inputs(), content_encoding="x" * 5000))
    assert status == 415
    assert len(sentence) < 200


async def test_a_declared_oversize_is_refused_in_the_form_of_the_protocol() -> None:
    status, sentence = await refused(message(ADDER, inputs() + b" " * MAX_BODY_BYTES))
    assert status == 413
    assert "200,000 bytes" in sentence


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/models/adder/versions/abc/infer", 404),
        ("/v2/models/adder/versions/0/infer", 404),
        ("/v2/models/adder/versions/-1/infer", 404),
        ("/v2/models/adder/versions/3.0/infer", 404),
        ("/v2/models/adder/versions/" + "9" * 400 + "/infer", 404),
        ("/v2/models/adder/versions//infer", 404),
        ("/v2/models/" + "a" * 5000 + "/infer", 404),
        ("/v2/models/adder/infer/", 404),
        ("/v2/models/%2e%2e/infer", 404),
        ("/v2/models/ADDER/infer", 404),
        ("/v2/" + "a" * 5000, 404),
        ("/v2/systemsharedmemory/region/r/register", 404),
        ("/v2/models/adder/generate", 404),
        ("/v2", 405),
        ("/v2/models/adder", 405),
    ],
)
async def test_a_path_that_names_nothing_is_refused_briefly(path: str, status: int) -> None:
    found, sentence = await refused(message(path, inputs()))
    assert found == status
    assert len(sentence) < 300


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "OPTIONS", "PUT"])
async def test_any_other_method_is_refused(method: str) -> None:
    sent = message(ADDER, b"").replace(b"POST", method.encode(), 1)
    assert await refused(sent) == (405, "use POST")


async def test_a_million_pieces_are_one_body() -> None:
    body = inputs() + b" " * 20_000
    framed = b"".join(b"1\r\n%c\r\n" % each for each in body) + b"0\r\n\r\n"
    head = message(ADDER, b"").replace(b"content-length: 0", b"transfer-encoding: chunked")
    answers = [
        await conversation(doors(), [head + framed + LAST], fast=fast) for fast in (True, False)
    ]
    assert answers[0] == answers[1]
    assert answers[0].count(b"HTTP/1.1 200 OK") == 2
