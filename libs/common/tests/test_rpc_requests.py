"""RPC requests as they come over the wire, wrong ones too: each gets its code, none a 500."""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from google.protobuf.json_format import MessageToDict
from google.rpc import error_details_pb2
from hypothesis import given
from hypothesis import strategies as st
from support.rpc_service import MAX_BODY_BYTES, MAX_MESSAGE_BYTES, TRIAL, Seen, rpc_app

from atmr_common.contracts.policy import SERVICE
from atmr_common.web.rpc import rpc_router
from atmr_common.web.rpc_details import (
    bad_request,
    error_info,
    read_bad_request,
    read_error_info,
)
from atmr_common.web.rpc_errors import InvalidArgumentError, ResourceExhaustedError
from atmr_common.web.rpc_reading import decoded, timeout_s

SCORE = f"/{SERVICE}/ScoreCandidates"
WAIT = f"/{TRIAL}/Wait"
JSON = {"content-type": "application/json"}
QUESTION: dict[str, Any] = {
    "codecVersion": 1,
    "candidates": {"shape": [2, 1], "values": [1, 2]},
    "context": {"shape": [0]},
    "mask": [False, True],
}


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
async def http(seen: Seen) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(rpc_app(seen), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://trial") as client:
        yield client


async def post(http: httpx.AsyncClient, content: bytes | str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.post(SCORE, content=content, headers=JSON | named)


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("spelling", ["codecVersion", "codec_version"])
async def test_fields_are_read_in_either_spelling_and_written_in_one(
    http: httpx.AsyncClient, spelling: str
) -> None:
    values = {**QUESTION, spelling: QUESTION["codecVersion"], "fromALaterRelease": 1}
    answer = await post(http, json.dumps(values))
    assert answer.status_code == 200
    assert answer.json()["codecVersion"] == 1
    assert answer.json()["scores"] == [2.0]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/proto",
        "application/connect+json",
        "text/plain",
        "application/json; charset=latin-1",
        "application/problem+json",
        "",
    ],
)
async def test_another_content_type_is_415(http: httpx.AsyncClient, content_type: str) -> None:
    answer = await post(http, json.dumps(QUESTION), content_type=content_type)
    assert code(answer) == (415, "unknown")
    assert answer.headers["accept-post"] == "application/json"


async def test_utf_8_may_be_said(http: httpx.AsyncClient) -> None:
    answer = await post(
        http, json.dumps(QUESTION), content_type='application/json; charset="UTF-8"'
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("told", ["-1", "1.5", "ten", "", "12345678901", "+5", "1_0", "٣"])
async def test_a_timeout_that_is_none_is_refused(http: httpx.AsyncClient, told: str) -> None:
    headers = [("content-type", "application/json"), ("connect-timeout-ms", told.encode())]
    answer = await http.post(SCORE, content=json.dumps(QUESTION), headers=headers)
    assert code(answer) == (400, "invalid_argument")


async def test_no_time_at_all_is_too_little(http: httpx.AsyncClient, seen: Seen) -> None:
    answer = await http.post(WAIT, json={"seconds": 5}, headers={"connect-timeout-ms": "0"})
    assert code(answer) == (504, "deadline_exceeded")
    assert "committed" not in seen.endings


async def test_what_the_method_waited_for_is_not_the_deadline(http: httpx.AsyncClient) -> None:
    answer = await http.post(f"/{TRIAL}/Fail", json={"code": "impatient"})
    assert code(answer) == (500, "internal")


async def test_another_version_of_the_protocol_is_refused(http: httpx.AsyncClient) -> None:
    answer = await post(http, json.dumps(QUESTION), connect_protocol_version="2")
    assert code(answer) == (400, "invalid_argument")


async def test_gzip_is_taken_within_bounds(http: httpx.AsyncClient) -> None:
    packed = gzip.compress(json.dumps(QUESTION).encode())
    assert (await post(http, packed, content_encoding="gzip")).status_code == 200
    bomb = gzip.compress(b" " * (MAX_MESSAGE_BYTES + 1))
    assert len(bomb) < MAX_BODY_BYTES
    assert code(await post(http, bomb, content_encoding="gzip")) == (429, "resource_exhausted")


@pytest.mark.parametrize(
    "more", ['"alias":"shadow","alias":"champion"', '"x":' + "[" * 40 + "]" * 40]
)
async def test_json_that_came_packed_is_no_freer_than_plain(
    http: httpx.AsyncClient, more: str
) -> None:
    body = (json.dumps(QUESTION)[:-1] + "," + more + "}").encode()
    plain = await post(http, body)
    packed = await post(http, gzip.compress(body), content_encoding="gzip")
    assert code(plain) == code(packed) == (400, "invalid_argument")
    assert plain.json() == packed.json()


def test_a_plain_message_has_the_bound_of_a_packed_one() -> None:
    assert decoded(b" " * 1024, None, 1024) == b" " * 1024
    with pytest.raises(ResourceExhaustedError):
        decoded(b" " * 1025, "identity", 1024)


async def test_an_answer_repeats_little_of_a_header(http: httpx.AsyncClient) -> None:
    answer = await post(http, "{}", connect_protocol_version="2" * 5000)
    assert len(answer.content) < 200


async def test_of_a_million_wrong_numbers_one_is_named(http: httpx.AsyncClient) -> None:
    many = 20_000
    wrong = QUESTION | {"mask": [2] * many, "context": {"shape": [many], "values": ["x"] * many}}
    packed = gzip.compress(json.dumps(wrong).encode())
    answer = await post(http, packed, content_encoding="gzip")
    assert code(answer) == (400, "invalid_argument")
    assert len(answer.content) < 5000


async def test_a_client_that_leaves_is_no_failure_of_ours() -> None:
    """Before its body is whole."""
    sent: list[Any] = []
    waiting: list[Any] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": SCORE,
        "raw_path": SCORE.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")],
        "state": {},
    }
    await rpc_app()(scope, receive, send)
    assert sent[0]["status"] == 499


def test_a_bomb_is_not_unpacked_beyond_its_bound() -> None:
    bomb = gzip.compress(b" " * 32 * 1024 * 1024)
    tracemalloc.start()
    try:
        with pytest.raises(ResourceExhaustedError):
            decoded(bomb, "gzip", 1024)
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()


DAMAGED = {
    "not gzip at all": b"not gzip",
    "cut off": gzip.compress(b"{}", mtime=0)[:-3],
    "two members": gzip.compress(b"{", mtime=0) + gzip.compress(b"}", mtime=0),
    "empty": b"",
}


@pytest.mark.parametrize("body", DAMAGED.values(), ids=DAMAGED)
async def test_damaged_gzip_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await post(http, body, content_encoding="gzip")
    assert code(answer) == (400, "invalid_argument")


async def test_another_encoding_is_unimplemented(http: httpx.AsyncClient) -> None:
    answer = await post(http, b"x", content_encoding="br")
    assert code(answer) == (501, "unimplemented")
    assert "gzip" in answer.headers["accept-encoding"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        "1",
        b"\xff\xfe",
        "[" * 20_000,
        json.dumps(QUESTION | {"candidates": {"shape": [2, 1], "values": [1, float("nan")]}}),
        json.dumps(QUESTION | {"candidates": {"shape": [2, 1], "values": [1, float("inf")]}}),
        json.dumps(QUESTION | {"candidates": {"shape": [2, 1], "values": ["NaN", 1]}}),
        json.dumps(QUESTION | {"candidates": {"shape": [2, 2], "values": [1, 2]}}),
        json.dumps(QUESTION | {"candidates": {"shape": [-1, -2], "values": [1, 2]}}),
        json.dumps(QUESTION | {"candidates": {"shape": [2], "values": [1, 2]}}),
        json.dumps(QUESTION | {"candidates": {"shape": [10**30, 0], "values": []}}),
        json.dumps(QUESTION | {"mask": [False, False]}),
        json.dumps(QUESTION | {"codecVersion": 10**400}),
        json.dumps(QUESTION | {"alias": "../../etc"}),
        json.dumps(QUESTION | {"deadlineMs": 0}),
    ],
)
async def test_a_wrong_message_is_an_invalid_argument(
    http: httpx.AsyncClient, body: bytes | str
) -> None:
    assert code(await post(http, body)) == (400, "invalid_argument")


async def test_a_body_over_the_door_s_limit_is_refused(http: httpx.AsyncClient) -> None:
    answer = await post(http, b" " * (MAX_BODY_BYTES + 1))
    assert code(answer) == (429, "resource_exhausted")

    async def in_pieces() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 1024 + 1):
            yield b" " * 1024

    streamed = await http.post(SCORE, content=in_pieces(), headers=JSON)
    assert code(streamed) == (429, "resource_exhausted")


async def test_there_is_no_get(http: httpx.AsyncClient) -> None:
    answer = await http.get(SCORE)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_methods_stand_in_openapi(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    operation = document["paths"][SCORE]["post"]
    fields = document["components"]["schemas"]["ScoreCandidatesRequest"]["properties"]
    assert {"codecVersion", "deadlineMs"} <= fields.keys()
    assert "422" not in operation["responses"]
    for status in ("400", "415", "504", "default"):
        schema = operation["responses"][status]["content"]["application/json"]["schema"]
        assert schema["$ref"].endswith("/RpcErrorBody")


def test_a_method_must_be_cancellable() -> None:
    router: APIRouter = rpc_router("atmr.trial.v1.Other")

    def blocking() -> None:
        """A thread would run on."""

    with pytest.raises(TypeError, match="async def"):
        router.post("/Blocking")(blocking)


@given(st.integers(min_value=0, max_value=10**10 - 1))
def test_a_timeout_is_what_it_says_up_to_the_longest(milliseconds: int) -> None:
    told = timeout_s({"connect-timeout-ms": str(milliseconds)}, 30)
    assert told == min(milliseconds / 1000, 30)


def test_without_a_timeout_the_longest_holds() -> None:
    assert timeout_s({}, 30) == 30
    with pytest.raises(InvalidArgumentError):
        timeout_s({"connect-timeout-ms": "x"}, 30)


@given(st.lists(st.tuples(st.text(), st.text())))
def test_wrong_fields_are_google_s_message(fields: list[tuple[str, str]]) -> None:
    detail = bad_request(fields)
    theirs = error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(field=pointer, description=text)
            for pointer, text in fields
        ]
    )
    written = error_details_pb2.BadRequest.FromString(unpadded(detail["value"]))
    assert written == theirs
    assert read_bad_request(detail["value"]) == fields
    if all(pointer and text for pointer, text in fields):
        assert (
            MessageToDict(theirs).get("fieldViolations", []) == detail["debug"]["fieldViolations"]
        )


@given(st.text(min_size=1))
def test_a_reason_is_google_s_message(reason: str) -> None:
    detail = error_info(reason)
    assert error_details_pb2.ErrorInfo.FromString(unpadded(detail["value"])).reason == reason
    assert read_error_info(detail["value"]) == reason


@given(st.text())
def test_a_detail_that_cannot_be_read_says_nothing(value: str) -> None:
    assert isinstance(read_bad_request(value), list)
    read_error_info(value)


def unpadded(value: str) -> bytes:

    assert not value.endswith("=")
    return base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
