"""The public HTTP API of dispatch-api, as far as the demo uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any, Self
from uuid import UUID

import httpx

from standalone.demo.errors import DemoError

__all__ = ["DispatchClient"]

NOT_FOUND = 404
PAGE = 500


class DispatchClient:
    """Calls with one bearer token; anything but success is a DemoError with the API's words."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def set_up_company(self, name: str, zone: str) -> UUID:
        answer = await self._call("POST", "/v1/companies", json={"name": name, "zone": zone})
        return UUID(answer["id"])

    async def company_exists(self) -> bool:
        """Whether the token's company is in this database."""
        answer = await self._http.get("/v1/company")
        if answer.status_code == NOT_FOUND:
            return False
        _required(answer)
        return True

    async def import_csv(self, kind: str, text: str, day: date) -> dict[str, Any]:
        """The import's report, for `kind` bookings or duties; strict: all rows or none."""
        return await self._call(
            "POST",
            f"/v1/imports/{kind}",
            params={"strict": "true", "date": day.isoformat()},
            content=text.encode(),
            headers={"Content-Type": "text/csv"},
        )

    async def request_run(self, day: date, seconds: float) -> dict[str, Any]:
        wanted = {"date": day.isoformat(), "seconds": seconds}
        return await self._call("POST", "/v1/dispatch-runs", json=wanted)

    async def run(self, run_id: str) -> dict[str, Any]:
        return await self._call("GET", f"/v1/dispatch-runs/{run_id}")

    async def plan(self, day: date) -> dict[str, Any]:
        return await self._call("GET", f"/v1/plans/{day.isoformat()}")

    async def bookings(self, day: date) -> list[dict[str, Any]]:
        return [item async for item in self._items("/v1/bookings", day)]

    async def duties(self, day: date) -> list[dict[str, Any]]:
        return [item async for item in self._items("/v1/duties", day)]

    async def _items(self, path: str, day: date) -> AsyncIterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            asked = {"day": day.isoformat(), "limit": PAGE, "cursor": cursor}
            page = await self._call("GET", path, params={k: v for k, v in asked.items() if v})
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def _call(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        return _required(await self._http.request(method, path, **how))


def _required(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_success:
        document: dict[str, Any] = answer.json()
        return document
    asked = f"{answer.request.method} {answer.request.url.path}"
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = answer.text[:200]
    raise DemoError(f"{asked} answered {answer.status_code}: {detail}")
