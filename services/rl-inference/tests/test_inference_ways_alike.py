"""The hot way and the ordinary way answer alike, byte by byte, whatever is sent and however."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.inference_doors import MAX_BODY_BYTES, TOKEN, Doors, conversation
from support.inference_plane import FakePlane

from rl_inference.errors import ExpiredError, NotReadyError, OverloadedError

SCORE = "/atmr.policy.v1.PolicyService/ScoreCandidates"
INFER = "/v2/models/adder/infer"
CLOSE = {"connection": "close"}


def message(
    path: str, body: bytes = b"", method: str = "POST", version: str = "1.1", **headers: Any
) -> bytes:
    """A request with its length, token and id; a header that is None is left out."""
    usual = {
        "host": "doors",
        "authorization": TOKEN,
        "x-request-id": "r1",
        "content-length": len(body),
    }
    named = usual | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/{version}"]
    lines += [f"{name}: {value}" for name, value in named.items() if value is not None]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def infer_body(rows: int = 1, **fields: Any) -> bytes:
    inputs = [
        {"name": name, "datatype": "FP32", "shape": [rows, 3], "data": [0.1, 2, 3] * rows}
        for name in ("left", "right")
    ]
    return orjson.dumps({"inputs": inputs} | fields)


def binary_message(**headers: Any) -> bytes:
    inputs = [
        {"name": name, "datatype": "FP32", "shape": [1, 3], "parameters": {"binary_data_size": 12}}
        for name in ("left", "right")
    ]
    head = orjson.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}})
    body = head + np.arange(6, dtype=np.float32).tobytes()
    return message(INFER, body, inference_header_content_length=len(head), **headers)


def score_body(**fields: Any) -> bytes:
    values = {
        "codecVersion": 1,
        "candidates": {"shape": [3, 4], "values": [0.1] * 12},
        "context": {"shape": [2], "values": [1, 2]},
        "mask": [True, False, True],
    }
    return orjson.dumps(values | fields)


def score(body: bytes | None = None, **headers: Any) -> bytes:
    sent = score_body() if body is None else body
    return message(SCORE, sent, **({"content-type": "application/json"} | headers))


def chunked(body: bytes, **headers: Any) -> bytes:
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    head = message(INFER, content_length=None, transfer_encoding="chunked", **headers)
    return head + framed


PLAIN: dict[str, bytes] = {
    "json": message(INFER, infer_body()),
    "id": message(INFER, infer_body(id="seven", outputs=[{"name": "totals"}])),
    "versioned": message("/v2/models/adder/versions/3/infer", infer_body()),
    "alias": message("/v2/models/adder/versions/champion/infer", infer_body()),
    "binary": binary_message(),
    "packed": message(INFER, gzip.compress(infer_body(), mtime=0), content_encoding="gzip"),
    "packed answer": message(INFER, infer_body(60), accept_encoding="gzip, deflate"),
    "scores": score(),
    "deadline": score(score_body(deadlineMs=500), connect_timeout_ms="900"),
}
WRONG: dict[str, bytes] = {
    "no json": message(INFER, b"{"),
    "empty": message(INFER),
    "wrong shape": message(INFER, infer_body().replace(b"[1,3]", b"[9,3]")),
    "unknown model": message("/v2/models/none/infer", infer_body()),
    "unknown version": message("/v2/models/adder/versions/9/infer", infer_body()),
    "no token": message(INFER, infer_body(), authorization=None),
    "other token": message(INFER, infer_body(), authorization="Bearer bad"),
    "header length": message(INFER, infer_body(), inference_header_content_length="9999"),
    "brotli": message(INFER, infer_body(), content_encoding="br"),
    "no gzip": message(INFER, infer_body(), content_encoding="gzip"),
    "oversized": message(INFER, infer_body() + b" " * MAX_BODY_BYTES),
    "chunked": chunked(infer_body()),
    "length and chunked": message(INFER, b"0\r\n\r\n", transfer_encoding="chunked"),
    "no length": message(INFER, content_length=None),
    "length twice": message(INFER, infer_body(), Content_Length="3"),
    "length of letters": message(INFER, b"", content_length="ten"),
    "length is negative": message(INFER, b"", content_length="-1"),
    "expects": message(INFER, infer_body(), expect="100-continue"),
    "upgrade": message(INFER, infer_body(), upgrade="h2c", connection="upgrade"),
    "token twice": message(INFER, infer_body(), Authorization=TOKEN),
    "good token last": message(
        INFER, infer_body(), authorization="Bearer bad", Authorization=TOKEN
    ),
    "good token first": message(INFER, infer_body(), Authorization="Bearer bad"),
    "length twice, folded": message(INFER, infer_body(), x_note="a\r\n content-length: 3"),
    "token on a second line": message(INFER, infer_body(), authorization="Bearer\r\n good"),
    "length with a space before": message(INFER, infer_body()).replace(b"length: ", b"length : "),
    "lines without a return": message(INFER, infer_body()).replace(b"\r\n", b"\n"),
    "old": message(INFER, infer_body(), version="1.0"),
    "old and kept": message(INFER, infer_body(), version="1.0", connection="keep-alive"),
    "of the future": message(INFER, infer_body(), version="1.9"),
    "two slashes": message(f"/{INFER}", infer_body()),
    "dots": message("/v2/models/../models/adder/infer", infer_body()),
    "fragment": message(f"{INFER}#a", infer_body()),
    "slash at the end": message(f"{INFER}/", infer_body()),
    "zero in the path": message(f"{INFER}%00", infer_body()),
    "star": message("*", method="OPTIONS"),
    "head": message("/v2", method="HEAD"),
    "options": message(INFER, method="OPTIONS"),
    "connect": message("doors:80", method="CONNECT"),
    "trailers": chunked(infer_body())[:-2] + b"authorization: Bearer bad\r\n\r\n",
    "chunks of an odd size": chunked(infer_body()).replace(b"\r\n0\r\n", b"\r\n-1\r\n"),
    "strange id": message(INFER, infer_body(), x_request_id="a\x0bb"),
    "id twice": message(INFER, infer_body(), X_Request_Id="r2"),
    "query": message(f"{INFER}?a=b", infer_body()),
    "escaped": message("/v2/models/add%65r/infer", infer_body()),
    "absolute": message(f"http://doors{INFER}", infer_body()),
    "get": message(INFER, method="GET"),
    "no http": b"hello\r\n\r\n",
    "wrong codec": score(score_body(codecVersion=2)),
    "wrong features": score(score_body(candidates={"shape": [3, 1], "values": [1, 2, 3]})),
    "name twice": score(score_body()[:-1] + b',"mask":[true,true,true]}'),
    "deep": score(score_body(more=[[[[]]] * 40])),
    "no message": score(b"[]"),
    "NaN": score(score_body().replace(b"0.1", b"NaN")),
    "text for a number": score(score_body(codecVersion="1")),
    "other type": score(content_type="text/plain"),
    "bad timeout": score(connect_timeout_ms="soon"),
    "no time": score(connect_timeout_ms="0"),
    "packed message": score(gzip.compress(score_body(), mtime=0), content_encoding="gzip"),
}


@cache
def shared_doors() -> Doors:
    """Made once, as a thousand conversations need them."""
    return Doors(FakePlane())


async def both(
    pieces: list[bytes], prepare: Callable[[FakePlane], None] = lambda _: None, *, cut: bool = False
) -> bytes:
    """What both ways answer, which is the same."""
    doors = shared_doors()
    doors.plane.refusing = doors.plane.answering = None
    prepare(doors.plane)
    answers = [await conversation(doors, pieces, fast=fast, cut=cut) for fast in (True, False)]
    assert answers[0] == answers[1]
    return answers[0]


def closing(sent: bytes) -> bytes:
    return sent.replace(b"\r\nhost: doors", b"\r\nhost: doors\r\nconnection: close", 1)


@pytest.mark.parametrize("name", PLAIN)
async def test_a_plain_request_is_answered_alike(name: str) -> None:
    answer = await both([closing(PLAIN[name])])
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nx-request-id: r1\r\n" in answer


@pytest.mark.parametrize("name", WRONG)
async def test_an_unusual_request_is_answered_alike(name: str) -> None:
    last = closing(message(INFER, infer_body(id="last")))
    answer = await both([WRONG[name], last])
    assert answer.startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("name", ["binary", "scores"])
async def test_a_request_may_be_split_anywhere(name: str) -> None:
    plane = FakePlane()
    doors, sent = Doors(plane), closing(PLAIN[name])
    whole = await conversation(doors, [sent], fast=True)
    for place in range(1, len(sent)):
        assert await conversation(doors, [sent[:place], sent[place:]], fast=True) == whole
    bytewise = [sent[place : place + 1] for place in range(len(sent))]
    assert await conversation(doors, bytewise, fast=True) == whole
    assert await conversation(doors, bytewise, fast=False) == whole


async def test_pipelined_requests_are_answered_in_order() -> None:
    ids = [f"n{number}" for number in range(1500)]
    sent = [message(INFER, infer_body(id=each)) for each in ids]
    last = closing(message("/v2"))
    doors = Doors(FakePlane())
    answer = await conversation(doors, [b"".join([*sent, last])], fast=True)
    places = [answer.index(b'"id":"%s"' % each.encode()) for each in ids]
    assert places == sorted(places)


async def test_hot_and_ordinary_requests_share_a_connection_in_order() -> None:
    mixed = [
        *PLAIN.values(),
        message("/v2/models/adder", method="GET"),
        WRONG["no json"],
        chunked(infer_body()),
        binary_message(),
    ]
    answer = await both([b"".join(mixed), closing(PLAIN["json"])])
    assert answer.count(b"HTTP/1.1 ") == len(mixed) + 1


@pytest.mark.parametrize(
    "refusal", [OverloadedError("full", 3.5), ExpiredError("late"), NotReadyError("loading")]
)
@pytest.mark.parametrize("name", ["json", "scores"])
async def test_errors_of_the_plane_are_answered_alike(name: str, refusal: Any) -> None:
    def refuse(plane: FakePlane) -> None:
        plane.refusing = refusal

    def answer(plane: FakePlane) -> None:
        plane.answering = refusal

    at_once = await both([closing(PLAIN[name])], refuse)
    later = await both([closing(PLAIN[name])], answer)
    assert at_once == later
    assert not at_once.startswith(b"HTTP/1.1 200")


@given(place=st.integers(0, 2**32), chosen=st.sampled_from(sorted(PLAIN)))
@settings(max_examples=40, deadline=None)
async def test_a_request_that_is_cut_off_is_not_answered(place: int, chosen: str) -> None:
    sent = PLAIN[chosen]
    assert await both([sent[: place % len(sent)]], cut=True) == b""


@given(seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
async def test_any_conversation_is_answered_alike(seed: int) -> None:
    """Requests of every kind, changed bytes, in any pieces."""
    draw = random.Random(seed)
    every = [*PLAIN.values(), *(each for name, each in WRONG.items() if name != "oversized")]
    sent = bytearray(b"".join(draw.choices(every, k=draw.randint(1, 6))))
    for _ in range(draw.choice([0, 0, 1, 3])):
        sent[draw.randrange(len(sent))] = draw.randrange(256)
    places = sorted({0, len(sent), *(draw.randrange(len(sent)) for _ in range(draw.randint(0, 5)))})
    pieces = [bytes(sent[start:end]) for start, end in pairwise(places)]
    await both([*pieces, closing(PLAIN["json"])], cut=True)
