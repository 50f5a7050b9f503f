"""Dispatchers who book, hold, resume and cancel, and ask again under one key until answered."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from chaos.history import ACKNOWLEDGED, FAILED, INVOKED, UNKNOWN, History
from chaos.world import World

CONNECTIONS = 16
PATIENCE_S = 5.0
AGAIN_S = 0.1
HOLD, RESUME, CANCEL = 0.5, 0.6, 0.4
"""How often a booking is held; a held one resumed; any one cancelled."""
IN_FLIGHT, UNAVAILABLE = "request_in_flight", 503
SERVER_ERROR = 500


class Clients:
    """`connections` of them, against all `urls` in turn, until told to stop."""

    def __init__(
        self,
        urls: Sequence[str],
        world: World,
        history: History,
        *,
        seed: int,
        connections: int = CONNECTIONS,
        pause_s: float = 0.0,
        actions: bool = True,
    ) -> None:
        self._urls = urls
        self._world = world
        self._history = history
        self._draw = random.Random(seed)
        self._connections = connections
        self.pause_s = pause_s
        self._actions = actions
        self._number = 0
        self._ending = False
        self._given_up = False
        self._tasks: list[asyncio.Task[None]] = []
        limits = httpx.Limits(max_connections=2 * connections)
        headers = {"Authorization": f"Bearer {world.token}"}
        self._http = httpx.AsyncClient(
            limits=limits, timeout=PATIENCE_S, headers=headers, trust_env=False
        )

    def begin(self, enough: Callable[[], bool] = lambda: False) -> None:
        """Work until `end`, or until `enough`."""
        self._tasks = [
            asyncio.create_task(self._work(number, enough)) for number in range(self._connections)
        ]

    async def until_done(self) -> None:
        """Until every client has had enough."""
        await asyncio.gather(*self._tasks)

    async def end(self, grace_s: float = 20.0) -> None:
        """Begin nothing new; what is open is asked again until it is answered, or `grace_s`."""
        self._ending = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace_s)
            self._given_up = True
            if late:
                await asyncio.wait(late, timeout=2 * PATIENCE_S)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    async def book(self, process: int = 0) -> dict[str, Any] | None:
        """One booking; its answer, or None when it was given up."""
        self._number += 1
        mark = f"chaos-{self._number}-{uuid4().hex[:8]}"
        return await self._ask(process, "book", "/v1/bookings", self._booking(mark), mark)

    async def _work(self, process: int, enough: Callable[[], bool]) -> None:
        while not self._ending and not enough():
            booking = await self.book(process)
            if booking and self._actions:
                await self._act(process, booking)
            await asyncio.sleep(self.pause_s)

    async def _act(self, process: int, booking: dict[str, Any]) -> None:
        mark, path = booking["payer_reference"], f"/v1/bookings/{booking['id']}"
        words = {"reason": "chaos"}
        if self._draw.random() < HOLD:
            await self._ask(process, "hold", f"{path}/hold", words, mark)
            if self._draw.random() < RESUME:
                await self._ask(process, "resume", f"{path}/resume", None, mark)
        if self._draw.random() < CANCEL:
            await self._ask(process, "cancel", f"{path}/cancel", words, mark)

    def _booking(self, mark: str) -> dict[str, Any]:
        """Half have a reference, which the database keeps unique; half rely on the key alone."""
        soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
        own = {"reference": mark} if self._draw.random() < 0.5 else {}
        return own | {
            "patient_id": str(self._draw.choice(self._world.patients)),
            "pickup_place_id": str(self._draw.choice(self._world.places)),
            "dropoff_place_id": str(self._draw.choice(self._world.places)),
            "pickup_from": soon.isoformat(),
            "pickup_to": (soon + timedelta(minutes=20)).isoformat(),
            "mobility": "wheelchair",
            "payer_reference": mark,
        }

    async def _ask(
        self, process: int, kind: str, path: str, body: dict[str, Any] | None, mark: str
    ) -> dict[str, Any] | None:
        key, statuses = str(uuid4()), list[int]()
        known = {"process": process, "operation": key, "kind": kind, "mark": mark}
        self._history.tell(INVOKED, **known)
        while not self._given_up:
            url = self._urls[(process + len(statuses)) % len(self._urls)]
            answer = None
            with suppress(httpx.HTTPError):
                answer = await self._http.post(
                    url + path, json=body, headers={"Idempotency-Key": key}
                )
            statuses.append(answer.status_code if answer is not None else 0)
            if answer is not None and answer.is_success:
                booking: dict[str, Any] = answer.json()
                about = {"booking_id": booking["id"], "version": booking["version"]}
                self._history.tell(ACKNOWLEDGED, **known, **about, statuses=statuses)
                return booking
            if answer is not None and not _again(answer):
                self._history.tell(FAILED, **known, statuses=statuses, problem=answer.text[:500])
                return None
            await asyncio.sleep(AGAIN_S)
        self._history.tell(UNKNOWN, **known, statuses=statuses)
        return None


def _again(answer: httpx.Response) -> bool:
    """Whether the same request may be answered later; a 500 says nothing about its effect."""
    return answer.status_code >= SERVER_ERROR or IN_FLIGHT in answer.text
