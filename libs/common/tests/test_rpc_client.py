"""Our RPC client against our methods, and against servers that answer wrongly or never."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from support.rpc_service import (
    TRIAL,
    FailRequest,
    WaitRequest,
    WaitResponse,
    rpc_app,
    served,
)

from atmr_common.contracts.policy import (
    SCORE_CANDIDATES,
    SERVICE,
    ScoreCandidatesRequest,
    ScoreCandidatesResponse,
)
from atmr_common.contracts.rpc_message import Tensor
from atmr_common.observability.tracing import Tracer
from atmr_common.web.problems import FieldProblem
from atmr_common.web.rpc_client import MAX_ANSWER_BYTES, RpcClient
from atmr_common.web.rpc_errors import (
    BY_WORD,
    AbortedError,
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    PermissionDeniedError,
    ResourceExhaustedError,
    RpcError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
    UnknownError,
)

Respond = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with served(rpc_app()) as address, httpx.AsyncClient(base_url=address) as client:
        yield client


@pytest.fixture
def trial(http: httpx.AsyncClient) -> RpcClient:
    return RpcClient(http, TRIAL)


def answering(respond: Respond) -> RpcClient:
    transport = httpx.MockTransport(respond)
    return RpcClient(httpx.AsyncClient(transport=transport, base_url="http://other"), TRIAL)


async def wait(client: RpcClient, seconds: float = 0, timeout_s: float = 10) -> WaitResponse:
    return await client.call(
        "Wait", WaitRequest(seconds=seconds), WaitResponse, timeout_s=timeout_s
    )


async def fail(client: RpcClient, code: str) -> RpcError:
    with pytest.raises(RpcError) as caught:
        await client.call("Fail", FailRequest(code=code), WaitResponse, timeout_s=10)
    return caught.value


@pytest.mark.parametrize("candidates", [2, 500])
async def test_candidates_are_scored(http: httpx.AsyncClient, candidates: int) -> None:
    mask = tuple(index % 2 == 0 for index in range(candidates))
    request = ScoreCandidatesRequest(
        codec_version=1,
        candidates=Tensor(shape=(candidates, 2), values=(0.5,) * (2 * candidates)),
        context=Tensor(shape=(0,)),
        mask=mask,
    )
    client = RpcClient(http, SERVICE)
    answer = await client.call(SCORE_CANDIDATES, request, ScoreCandidatesResponse, timeout_s=10)
    assert answer.by_candidate(mask) == [1.0 if allowed else None for allowed in mask]
    with pytest.raises(ValueError, match="allowed candidates"):
        answer.by_candidate([*mask, True])


@pytest.mark.parametrize("word", BY_WORD)
async def test_what_a_method_raises_its_client_raises(trial: RpcClient, word: str) -> None:
    error = await fail(trial, word)
    assert (type(error), error.message) == (BY_WORD[word], "as asked for")


async def test_the_reason_and_the_wrong_fields_arrive(trial: RpcClient) -> None:
    refused = await fail(trial, "problem")
    assert (type(refused), refused.reason) == (AbortedError, "already_decided")
    wrong = await fail(trial, "fields")
    assert isinstance(wrong, InvalidArgumentError)
    assert wrong.fields == (FieldProblem(pointer="#/body/code", detail="is no code"),)


async def test_the_deadline_goes_along(trial: RpcClient) -> None:
    assert 9_000 < (await wait(trial, timeout_s=10)).remaining_ms <= 10_000


async def test_a_call_ends_at_its_deadline(trial: RpcClient) -> None:
    started = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        await wait(trial, seconds=30, timeout_s=0.1)
    assert time.monotonic() - started < 5


async def test_the_trace_goes_along(trial: RpcClient) -> None:
    with Tracer().span("planning") as span:
        told = (await wait(trial)).traceparent
    assert told == span.context.header()
    assert (await wait(trial)).traceparent == ""


async def test_the_newest_token_is_sent() -> None:
    seen: list[str] = []
    tokens = iter(["first", "renewed"])

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200, json={"remainingMs": 1})

    http = httpx.AsyncClient(transport=httpx.MockTransport(respond), base_url="http://other")
    client = RpcClient(http, TRIAL, token=lambda: next(tokens))
    await wait(client)
    await wait(client)
    assert seen == ["Bearer first", "Bearer renewed"]


async def test_large_messages_are_packed() -> None:
    sizes: list[tuple[int, int]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        assert request.headers["content-encoding"] == "gzip"
        sizes.append((len(request.content), len(gzip.decompress(request.content))))
        return httpx.Response(200, json={"remainingMs": 1})

    request = FailRequest(code="x", text="long " * 1000)
    await answering(respond).call("Fail", request, WaitResponse, timeout_s=5)
    assert sizes[0][0] < sizes[0][1] / 10


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with httpx.AsyncClient(base_url="http://127.0.0.1:1") as http:
        with pytest.raises(UnavailableError):
            await wait(RpcClient(http, TRIAL))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InternalError),
        (401, UnauthenticatedError),
        (403, PermissionDeniedError),
        (404, UnimplementedError),
        (429, UnavailableError),
        (502, UnavailableError),
        (503, UnavailableError),
        (504, UnavailableError),
        (418, UnknownError),
        (302, UnknownError),
    ],
)
@pytest.mark.parametrize(
    "answer",
    [
        {"text": "<html>Bad gateway</html>"},
        {"json": {"title": "a problem"}},
        {"json": ["a list"]},
        {"content": b"{", "headers": {"content-type": "application/json"}},
        {"json": {"code": "no_such_code", "message": 7, "details": [1, {"value": 2}, {}]}},
    ],
    ids=["html", "problem", "list", "broken", "strange"],
)
async def test_what_is_no_rpc_error_is_told_by_its_status(
    status: int, kind: type[RpcError], answer: dict[str, object]
) -> None:
    client = answering(lambda _: httpx.Response(status, **answer))  # type: ignore[arg-type]
    with pytest.raises(RpcError) as caught:
        await wait(client)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="hello"),
        httpx.Response(200, content=b"{", headers={"content-type": "application/json"}),
        httpx.Response(200, json={"remainingMs": "soon"}),
        httpx.Response(200, json=[]),
    ],
)
async def test_an_answer_against_the_contract_is_internal(answer: httpx.Response) -> None:
    with pytest.raises(InternalError) as caught:
        await wait(answering(lambda _: answer))
    assert "soon" not in caught.value.message


async def test_an_answer_without_end_is_cut() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1024 * 1024

    def respond(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=endless())

    with pytest.raises(ResourceExhaustedError, match=f"{MAX_ANSWER_BYTES:,}"):
        await wait(answering(respond))


async def test_an_answer_that_never_ends_is_not_waited_for() -> None:
    gone = asyncio.Event()

    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        body = json.dumps({"remainingMs": 1}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
        writer.write(b"content-length: 999\r\n\r\n" + body)
        await writer.drain()
        await reader.read()
        writer.close()
        gone.set()

    server = await asyncio.start_server(drop, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        with pytest.raises(DeadlineExceededError):
            await wait(RpcClient(http, TRIAL), timeout_s=0.2)
        await gone.wait()
