"""The official Connect client judges our RPC, on a real server, with messages of protobuf."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from connectrpc.client import ConnectClient
from connectrpc.code import Code
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_json_codec
from connectrpc.compression.gzip import GzipCompression
from connectrpc.errors import ConnectError
from connectrpc.method import MethodInfo
from google.rpc import error_details_pb2
from support.connect_messages import M, method
from support.rpc_service import TRIAL, Seen, rpc_app, served

from atmr_common.contracts.policy import SCORE_CANDIDATES, SERVICE
from atmr_common.web.rpc_errors import RpcCode

SCORE = method(SERVICE, SCORE_CANDIDATES, "ScoreCandidatesRequest", "ScoreCandidatesResponse")
FAIL = method(TRIAL, "Fail", "FailRequest", "WaitResponse")
WAIT = method(TRIAL, "Wait", "WaitRequest", "WaitResponse")
MISSING = method(TRIAL, "Missing", "WaitRequest", "WaitResponse")


def question(**changes: Any) -> Any:
    values: dict[str, Any] = {
        "codec_version": 1,
        "model": "dispatch-policy",
        "candidates": M["Tensor"](shape=[2, 3], values=[1, 0, 0.5, 2, 2, 2]),
        "context": M["Tensor"](shape=[1], values=[0.25]),
        "mask": [True, True],
    }
    return M["ScoreCandidatesRequest"](**(values | changes))


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
async def address(seen: Seen) -> AsyncIterator[str]:
    async with served(rpc_app(seen)) as at:
        yield at


@pytest.fixture
async def client(address: str) -> AsyncIterator[ConnectClient]:
    async with ConnectClient(address, codec=google_protobuf_json_codec()) as client:
        yield client


async def refused(client: ConnectClient, info: MethodInfo[Any, Any], request: Any) -> ConnectError:
    with pytest.raises(ConnectError) as caught:
        await client.execute_unary(request=request, method=info)
    return caught.value


async def test_candidates_are_scored(client: ConnectClient) -> None:
    answer = await client.execute_unary(request=question(), method=SCORE)
    assert list(answer.scores) == [1.5, 6.0]
    assert (answer.model.name, answer.model.version) == ("dispatch-policy", 3)
    assert (answer.codec_version, answer.degraded) == (1, "")


@pytest.mark.parametrize("packed", [True, False])
async def test_messages_are_taken_packed_and_plain(address: str, packed: bool) -> None:  # noqa: FBT001
    codec = google_protobuf_json_codec()
    packing = GzipCompression() if packed else None
    async with ConnectClient(address, codec=codec, send_compression=packing) as client:
        many = M["Tensor"](shape=[400, 3], values=[0.5] * 1200)
        request = question(candidates=many, mask=[True] * 400)
        answer = await client.execute_unary(request=request, method=SCORE)
    assert list(answer.scores) == [1.5] * 400


@pytest.mark.parametrize("code", list(Code), ids=lambda code: code.value)
async def test_each_of_the_sixteen_codes_arrives(client: ConnectClient, code: Code) -> None:
    error = await refused(client, FAIL, M["FailRequest"](code=code.value, text="as told"))
    assert (error.code, error.message) == (code, "as told")


def test_the_codes_are_those_of_connect() -> None:
    assert {code.word for code in RpcCode} == {code.value for code in Code}


async def test_a_problem_is_a_code_with_its_reason(client: ConnectClient, seen: Seen) -> None:
    error = await refused(client, FAIL, M["FailRequest"](code="problem"))
    assert (error.code, error.message) == (Code.ABORTED, "It was decided before.")
    (detail,) = error.details
    assert detail.type_name == "google.rpc.ErrorInfo"
    info = error_details_pb2.ErrorInfo.FromString(detail.message_bytes)
    assert (info.reason, info.domain) == ("already_decided", "atmr-dispatch.dev")
    assert seen.endings == ["rolled back: AbortedError"]


async def test_wrong_fields_are_pointed_at(client: ConnectClient) -> None:
    error = await refused(client, SCORE, question(codec_version=0, model="No Name"))
    assert error.code is Code.INVALID_ARGUMENT
    bad = next(each for each in error.details if each.type_name == "google.rpc.BadRequest")
    violations = error_details_pb2.BadRequest.FromString(bad.message_bytes).field_violations
    assert {each.field for each in violations} == {"#/body/codecVersion", "#/body/model"}
    assert all(each.description for each in violations)


async def test_shapes_that_disagree_are_refused(client: ConnectClient) -> None:
    error = await refused(client, SCORE, question(mask=[True]))
    assert error.code is Code.INVALID_ARGUMENT
    assert "mask has 1 entries for 2 candidates" in error.message


async def test_a_method_that_there_is_not_is_unimplemented(client: ConnectClient) -> None:
    assert (await refused(client, MISSING, M["WaitRequest"]())).code is Code.UNIMPLEMENTED


async def test_the_unforeseen_is_internal_and_tells_nothing(client: ConnectClient) -> None:
    error = await refused(client, FAIL, M["FailRequest"](code="unforeseen", text="Ann Lee"))
    assert error.code is Code.INTERNAL
    assert "Ann" not in error.message


async def test_binary_messages_are_refused(address: str) -> None:
    async with ConnectClient(address, codec=google_protobuf_binary_codec()) as client:
        assert (await refused(client, SCORE, question())).code is Code.UNKNOWN


async def test_a_call_has_its_deadline(client: ConnectClient, seen: Seen) -> None:
    with pytest.raises(ConnectError) as caught:
        await client.execute_unary(
            request=M["WaitRequest"](seconds=30), method=WAIT, headers={"connect-timeout-ms": "50"}
        )
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    assert seen.cancelled.is_set(), "the method went on"
    assert seen.endings[0].startswith("rolled back")


async def test_a_method_knows_what_is_left(client: ConnectClient, seen: Seen) -> None:
    request = M["WaitRequest"](seconds=0)
    answer = await client.execute_unary(request=request, method=WAIT, timeout_ms=5000)
    assert 0 < answer.remaining_ms <= 5000
    assert seen.endings == ["committed"]
