"""uvicorn's HTTP protocol with the hot routes taken out of ASGI (measured: 20 to 100 µs each).

Only a plain request is taken: one whole body of known length, no encoding of the transfer, no
header twice, nothing to upgrade. All else goes the ordinary way, and both answer alike.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from atmr_common.web.bounded_http import BoundedHttpProtocol
from rl_inference.doors.familiar_heads import FamiliarHead, learned
from rl_inference.doors.hot_cycle import HotCycle

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application, HTTPScope

    from rl_inference.doors.exchange import Headers
    from rl_inference.doors.hot_route import Found, HotRoutes

UNUSUAL = frozenset({b"transfer-encoding", b"expect", b"upgrade"})
MOST_LESSONS = 4
"""Heads that a connection may get to know; a client with more is none that repeats itself."""
ADMITTED_S = 1.0
"""How long a connection that shows the same token again is not asked about it."""


class Familiar(NamedTuple):
    """A head that is known, and where its requests go."""

    head: FamiliarHead
    found: Found
    path: bytes


class FastProtocol(BoundedHttpProtocol):
    """One connection; `with_routes` makes the class that uvicorn's `http` setting takes."""

    hot: ClassVar[HotRoutes]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.unheard = asyncio.Event()
        """What uvicorn sets for a cycle's task to hear; the hot way has no task."""
        self._in_turn: HotCycle | None = None
        self._admitted, self._admitted_until = b"", 0.0
        self._familiar: list[Familiar] = []
        self._lessons = MOST_LESSONS
        self._between = False
        """Whether the parser has seen a hot request, the whole of it, and nothing since."""
        self._plain = not (self.access_log or self.root_path) and self.limit_concurrency is None

    @classmethod
    def with_routes(cls, hot: HotRoutes) -> type[FastProtocol]:
        """The protocol class that takes these routes."""
        return type("RoutedProtocol", (cls,), {"hot": hot})

    def data_received(self, data: bytes) -> None:
        """A request that looks like one before needs no parser."""
        if self._familiar and self._between and self._takes_familiar(data):
            return
        before = self.cycle
        super().data_received(data)
        if self._between and self._lessons and self.cycle is not before:
            self._learn(data)

    def on_message_begin(self) -> None:
        """What uvicorn does here waits until a request turns out to need it."""
        self._between = False
        self.url, self.headers = b"", []

    def on_header(self, name: bytes, value: bytes) -> None:
        """What a header means is found out when all are there."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Take the request out of ASGI, if it is a plain one for a hot route."""
        cycle = self._hot_cycle() if self._plain and self.parser.get_method() == b"POST" else None
        if cycle is None:
            self._begin_ordinary(self.url, self.headers)
            super().on_headers_complete()
            return
        self.silent_bytes = 0
        before, self.cycle = self.cycle, cycle
        if before is None or before.response_complete:
            self._start(cycle)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def on_body(self, body: bytes) -> None:
        """The body of a hot request is bounded by its declared length, and read at once."""
        if isinstance(self.cycle, HotCycle) and self.cycle.more_body:
            self.silent_bytes = 0
            self.cycle.body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """A hot request is asked as soon as it is whole; one that upgrades has no cycle at all."""
        if isinstance(self.cycle, HotCycle) and self.cycle.more_body:
            self._between = True
            self.cycle.body_complete()
        else:
            super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """What nobody waits for is not computed."""
        if self._in_turn is not None:
            self._in_turn.abandon()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """The request in turn has its answer."""
        self._in_turn = None
        super().on_response_complete()

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold on to a task until it is done, where uvicorn looks when it stops."""
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def take_ordinary_way(self, hot: HotCycle) -> None:
        """Hand a request whose body is whole to ASGI, as if it had gone there at once."""
        self._in_turn = None
        cycle = self._ordinary_cycle(hot, self._ordinary_scope(hot))
        if self.cycle is hot:
            self.cycle = cycle
        self._start_asgi_task(cycle, self.app)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """A request out of the pipeline; a hot one waits for the next tick, so no stack grows."""
        if isinstance(cycle, HotCycle):
            self.loop.call_soon(self._start, cycle)
        else:
            super()._start_asgi_task(cycle, app)

    def _start(self, cycle: HotCycle) -> None:
        if not self.transport.is_closing():
            self._in_turn = cycle
            cycle.start()

    def _hot_cycle(self) -> HotCycle | None:
        """The request as a hot one, if it is plain, small enough and admitted."""
        found = self.hot.find(self.url)
        headers = dict(self.headers)
        if found is None or len(headers) < len(self.headers) or not self._is_plain(headers):
            return None
        if not (found[0].exchange.takes(headers) and self._admits(headers)):
            return None
        return HotCycle(
            self,
            found,
            self.url,
            headers,
            bytearray(),
            keep_alive=self.parser.should_keep_alive(),
        )

    def _takes_familiar(self, data: bytes) -> bool:
        """Ask what is in `data`, if it is one whole request of which only the head is known."""
        if not self.cycle.response_complete:
            return False
        for known in self._familiar:
            read = known.head.read(data)
            if read is not None:
                return self._takes(known, *read, data)
        return False

    def _takes(self, known: Familiar, headers: Headers, length: int, data: bytes) -> bool:
        size = int(headers[b"content-length"])
        if length + size != len(data) or size > self.hot.max_body_bytes:
            return False
        if not (known.found[0].exchange.takes(headers) and self._admits(headers)):
            return False
        self.silent_bytes = 0
        body = data[length:]
        self.cycle = cycle = HotCycle(self, known.found, known.path, headers, body, keep_alive=True)
        cycle.more_body = False
        self._start(cycle)
        return True

    def _learn(self, data: bytes) -> None:
        """Remember the head of the request that `data` was, if it was one whole request."""
        cycle = self.cycle
        if not isinstance(cycle, HotCycle):
            return
        self._lessons -= 1
        head = learned(data[: len(data) - len(cycle.body)], cycle.path, cycle.headers)
        if head is not None:
            self._familiar.append(Familiar(head, cycle.found, cycle.path))

    def _admits(self, headers: Headers) -> bool:
        """Whether the bearer may come; one who just did may."""
        shown, now = headers.get(b"authorization", b""), self.loop.time()
        if shown == self._admitted and now < self._admitted_until:
            return True
        if not self.hot.admits(headers):
            return False
        self._admitted, self._admitted_until = shown, now + ADMITTED_S
        return True

    def _is_plain(self, headers: Headers) -> bool:
        length = headers.get(b"content-length", b"")
        return (
            self.parser.get_http_version() == "1.1"
            and length.isdigit()
            and int(length) <= self.hot.max_body_bytes
            and UNUSUAL.isdisjoint(headers)
        )

    def _begin_ordinary(self, url: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        """What `on_message_begin` and `on_header` of uvicorn would have left behind."""
        super().on_message_begin()
        self.url = url
        self.headers += headers
        self.expect_100_continue = any(
            name == b"expect" and value.lower() == b"100-continue" for name, value in headers
        )

    def _ordinary_scope(self, hot: HotCycle) -> HTTPScope:
        """The scope of ASGI of a hot request; the connection may have begun to read the next."""
        reading = self.url, self.headers
        self._begin_ordinary(hot.path, list(hot.headers.items()))
        self.url, self.headers = reading
        scope = self.scope
        scope["method"], scope["query_string"] = "POST", b""
        scope["path"], scope["raw_path"] = hot.path.decode("ascii"), hot.path
        return scope

    def _ordinary_cycle(self, hot: HotCycle, scope: HTTPScope) -> RequestResponseCycle:
        cycle = RequestResponseCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=hot.keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.body, cycle.more_body = bytearray(hot.body), False
        cycle.message_event.set()
        return cycle
