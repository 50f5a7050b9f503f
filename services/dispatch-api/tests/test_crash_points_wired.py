"""Every crash point is called where it says, and a commit survives the crash right after it."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import httpx
import pytest
from support.booking_world import BookingWorld
from support.dispatch_client import DispatchApi

from atmr_common.runtime import crash_points
from atmr_common.runtime.crash_points import HTTP_COMMITTED, MODEL_SWAPPED, POINTS

ROOT = Path(__file__).parents[3]
NOT_YET = {MODEL_SWAPPED}  # comes with the service that serves models


class Killed(BaseException):
    """Stands for SIGKILL within a test's own process."""


def test_every_point_is_called_somewhere() -> None:
    sources = [
        path.read_text(encoding="utf-8")
        for path in ROOT.glob("[ls]*/*/src/**/*.py")
        if path.name != "crash_points.py"
    ]
    constants = {
        value: name
        for name, value in vars(crash_points).items()
        if isinstance(value, str) and value in POINTS
    }
    called = {
        point
        for point, constant in constants.items()
        if any(f"({constant})" in text or f'("{point}")' in text for text in sources)
    }
    assert called == set(POINTS) - NOT_YET


async def test_a_booking_is_committed_when_the_answer_is_lost(
    dispatch_api: DispatchApi,
    dispatcher: httpx.AsyncClient,
    company_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = await BookingWorld(dispatch_api, company_id).leg()
    monkeypatch.setattr(dispatch_api.ports.crash, "chances", {HTTP_COMMITTED: 1.0})

    def kill(*_: object) -> None:
        raise Killed

    monkeypatch.setattr("os.kill", kill)
    with pytest.raises(Killed):
        await dispatcher.post("/v1/bookings", json=body)
    monkeypatch.undo()
    bookings = (await dispatcher.get("/v1/bookings")).json()["items"]
    assert [each["patient_id"] for each in bookings] == [body["patient_id"]]
