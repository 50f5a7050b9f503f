"""A request whose head is known is answered as the parser would have it, whatever is in it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import httptools
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.inference_doors import (
    MAX_BODY_BYTES,
    TOKEN,
    Doors,
    Wire,
    connect,
    conversation,
    settled,
)
from support.inference_plane import FakePlane

from rl_inference.doors import fast_protocol
from rl_inference.doors.familiar_heads import (
    LONGEST_HEAD,
    LONGEST_VALUE,
    FamiliarHead,
    Headers,
    learned,
)

BODY = (
    b'{"inputs":[{"name":"left","datatype":"FP32","shape":[1,3],"data":[1,2,3]},'
    b'{"name":"right","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}'
)
TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PATH = b"/v2/models/adder/infer"


def message(
    body: bytes = BODY,
    *,
    path: bytes = PATH,
    length: bytes | None = None,
    request_id: bytes = b"r1",
    trace: bytes = TRACE,
    more: bytes = b"",
) -> bytes:
    stated = b"%d" % len(body) if length is None else length
    return (
        b"POST %b HTTP/1.1\r\nHost: doors\r\nAuthorization: %b\r\nX-Request-Id: %b\r\n"
        b"Content-Length:%b\r\ntraceparent: %b\r\n%b\r\n%b"
        % (path, TOKEN.encode(), request_id, stated, trace, more, body)
    )


def score_body() -> bytes:
    return orjson.dumps(
        {
            "codecVersion": 1,
            "candidates": {"shape": [3, 4], "values": [0.1] * 12},
            "context": {"shape": [2], "values": [1, 2]},
            "mask": [True, False, True],
        }
    )


def scores(timeout_ms: bytes) -> bytes:
    more = b"content-type: application/json\r\nconnect-timeout-ms: %b\r\n" % timeout_ms
    return message(score_body(), path=b"/atmr.policy.v1.PolicyService/ScoreCandidates", more=more)


class Parsed:
    """What httptools finds."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.url = b""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))


def parsed(data: bytes) -> Parsed:
    found = Parsed()
    httptools.HttpRequestParser(found).feed_data(data)
    return found


def taught(head: bytes) -> FamiliarHead | None:
    found = parsed(head)
    return learned(head, found.url, dict(found.headers))


@pytest.fixture
def doors() -> Doors:
    return Doors(FakePlane())


@pytest.fixture
async def known(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., int]]:
    """Says on how many of the requests on one connection the parser was not used."""
    spared = 0
    real = fast_protocol.FastProtocol._takes_familiar

    def counted(self: fast_protocol.FastProtocol, data: bytes) -> bool:
        nonlocal spared
        taken = real(self, data)
        spared += taken
        return taken

    monkeypatch.setattr(fast_protocol.FastProtocol, "_takes_familiar", counted)
    wires: list[Wire] = []

    async def spare(*sent: bytes) -> int:
        wire = connect(doors, fast=True)
        wires.append(wire)
        for each in sent:
            wire.protocol.data_received(each)
            await settled(wire)
        return spared

    yield spare
    for wire in wires:
        wire.close()
    await asyncio.sleep(0)


async def test_a_second_request_of_the_same_kind_needs_no_parser(
    doors: Doors, known: Callable[..., int]
) -> None:
    other = message(BODY.replace(b"1,2,3", b"10,20,30"), request_id=b"other-1", trace=TRACE[::-1])
    assert await known(message(), other, message()) == 2
    assert len(doors.plane.asked) == 3


async def test_a_client_that_takes_turns_is_known_too(known: Callable[..., int]) -> None:
    champion = message(path=b"/v2/models/adder/versions/champion/infer")
    assert await known(*[message(), champion] * 4) == 6


async def test_who_never_repeats_itself_is_no_longer_learned(
    doors: Doors, known: Callable[..., int]
) -> None:
    sent = [message(more=b"x-note: %d\r\n" % number) for number in range(20)]
    assert await known(*sent, sent[-1], sent[0]) == 1
    assert len(doors.plane.asked) == 22


UNLIKE: dict[str, bytes] = {
    "other token": message().replace(TOKEN.encode(), b"Bearer bad"),
    "one more header": message(more=b"expect: 100-continue\r\n"),
    "a longer length": message(length=b"%d" % (len(BODY) + 1)),
    "a shorter length": message(length=b"%d" % (len(BODY) - 1)),
    "another request behind": message() + message(),
    "a signed length": message(length=b"+%d" % len(BODY)),
    "no length": message(length=b""),
    "a return in an id": message(request_id=b"a\rb"),
    "a line in an id": message(request_id=b"a\r\ntransfer-encoding: chunked"),
    "a newline in an id": message(request_id=b"a\nb"),
    "a zero in an id": message(request_id=b"a\0b"),
    "a space in an id": message(request_id=b"a b"),
    "an id that is long": message(request_id=b"a" * (LONGEST_VALUE + 1)),
    "in two pieces": message()[:-5],
}


@pytest.mark.parametrize("name", UNLIKE)
async def test_what_differs_elsewhere_goes_to_the_parser(
    known: Callable[..., int], name: str
) -> None:
    assert await known(message(), UNLIKE[name]) == 0


async def test_while_an_answer_is_due_the_parser_reads(
    doors: Doors, known: Callable[..., int]
) -> None:
    doors.plane.holding = True
    assert await known(message(), message()) == 0


async def test_a_known_head_asks_again_whether_its_bearer_may_come(
    doors: Doors, known: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast_protocol, "ADMITTED_S", 0)
    may = iter([True, True, False, False])
    doors.hot = replace(doors.hot, admits=lambda _: next(may))
    assert await known(message(), message(), message()) == 1


LATE = {
    "a head that has begun": [message(), message()[:30], message()],
    "a body over the limit": [message(), message(BODY + b" " * MAX_BODY_BYTES)],
    "no time for scores": [scores(b"900"), scores(b"0"), scores(b"900")],
    "time in too many digits": [scores(b"900"), scores(b"9" * 30)],
    "lines between that are empty": [message(), *[b"\r\n" * 20_000, message()] * 2],
}


@pytest.mark.parametrize("name", LATE)
async def test_what_is_wrong_with_a_known_head_is_found_as_ever(doors: Doors, name: str) -> None:
    told = [await said(doors, LATE[name], fast=fast) for fast in (True, False)]
    assert told[0] == told[1]
    assert told[0].count(b"HTTP/1.1 ") > 1


@pytest.mark.parametrize(
    "headers",
    [
        {b"host": b"y", b"content-length": b"3"},
        {b"guest": b"x", b"content-length": b"3"},
        {b"host": b"x", b"content-length": b"33"},
    ],
)
def test_a_head_that_the_parser_read_otherwise_is_not_learned(headers: Headers) -> None:
    head = b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n"
    assert learned(head, b"/a", {b"host": b"x", b"content-length": b"3"})
    assert learned(head, b"/a", headers) is None


def test_a_head_that_is_long_is_not_learned() -> None:
    head = b"POST /a HTTP/1.1\r\ncontent-length: 3\r\nhost: %b\r\n\r\n"
    most = LONGEST_HEAD - len(head % b"")
    assert taught(head % (b"x" * most))
    assert taught(head % (b"x" * (most + 1))) is None


def test_a_reading_changes_no_other() -> None:
    head = b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
    known = taught(head % 1)
    assert known is not None
    read = [known.read(head % number) for number in (2, 3)]
    assert [each[0][b"content-length"] for each in read if each] == [b"2", b"3"]


@pytest.mark.parametrize(
    "head",
    [
        b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n",
        b"POST /a HTTP/1.1\r\nhost:x\r\nContent-Length:   3\r\nx-request-id: a-1\r\n\r\n",
    ],
)
def test_a_plain_head_is_learned(head: bytes) -> None:
    known = taught(head)
    assert known is not None
    headers, length = known.read(head)
    assert (headers, length) == (dict(parsed(head).headers), len(head))


@pytest.mark.parametrize(
    "head",
    [
        b"GET /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n",
        b"POST /a HTTP/1.0\r\nhost: x\r\ncontent-length: 3\r\n\r\n",
        b"POST  /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n",
        b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3 \r\n\r\n",
        b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\nx-request-id: a b\r\n\r\n",
        b"POST /a HTTP/1.1\r\nhost: x\r\nhost: x\r\ncontent-length: 3\r\n\r\n",
        b"\r\nPOST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n",
    ],
)
def test_a_head_that_is_not_plain_is_not_learned(head: bytes) -> None:
    assert taught(head) is None


async def said(doors: Doors, pieces: list[bytes], *, fast: bool) -> bytes:
    """All that is answered until the connection is cut."""
    return await conversation(doors, pieces, fast=fast, cut=True)


OFTEN = [b"\r", b"\n", b"\r\n", b" ", b":", b"0", b"a", b"\0", b"\t", b"", b"-"]


def changed(sent: bytes, draw: random.Random) -> bytes:
    """A byte or so of the head is another one, is gone, or stands twice."""
    head = sent.index(b"\r\n\r\n") + 4
    for _ in range(draw.choice([0, 1, 1, 2])):
        place, size = draw.randrange(head), draw.choice([0, 1, 1, 2])
        sent = sent[:place] + draw.choice(OFTEN) + sent[place + size :]
    return sent


@given(seed=st.integers(0, 2**32))
@example(seed=0)
@settings(max_examples=150, deadline=None)
async def test_after_a_known_head_any_request_is_answered_as_the_parser_has_it(seed: int) -> None:
    draw, doors = random.Random(seed), Doors(FakePlane())
    values = {
        "request_id": [b"r1", b"another-id.7", b"a" * LONGEST_VALUE, b"a b", b""],
        "length": [None, None, None, b"0", b"007", b"99", b"%d" % (MAX_BODY_BYTES + 1)],
        "trace": [TRACE, b"", b"00"],
    }
    pieces = [message()]
    for _ in range(draw.randint(1, 4)):
        sent = message(**{name: draw.choice(every) for name, every in values.items()})
        pieces.append(changed(sent, draw))
    assert await said(doors, pieces, fast=True) == await said(doors, pieces, fast=False)
