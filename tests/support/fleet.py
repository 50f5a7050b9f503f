"""Makes vehicles, drivers and duties through the API, with what a test does not care about."""

from __future__ import annotations

from typing import Any

import httpx

DAY = "2026-03-17"


def at(time: str, day: str = DAY) -> str:
    """A moment in Zurich's winter time."""
    return f"{day}T{time}:00+01:00"


async def posted(client: httpx.AsyncClient, path: str, **fields: object) -> dict[str, Any]:
    """What was created."""
    answer = await client.post(path, json=fields)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def a_vehicle(client: httpx.AsyncClient, name: str = "V1", **fields: object) -> str:
    created = await posted(client, "/v1/vehicles", **{"name": name, "seats": 4, **fields})
    return str(created["id"])


async def a_driver(client: httpx.AsyncClient, name: str = "Ana", **fields: object) -> str:
    return str((await posted(client, "/v1/drivers", **{"name": name, **fields}))["id"])


def duty_fields(vehicle: str, *crew: str, **fields: object) -> dict[str, object]:
    """From 07:00 to 16:00, with shifts to be made for the crew."""
    usual = {"name": "D1", "starts_at": at("07:00"), "ends_at": at("16:00")}
    return {"vehicle_id": vehicle, "crew": list(crew), "create_shifts": True} | usual | fields


async def a_duty(
    client: httpx.AsyncClient, vehicle: str, *crew: str, **fields: object
) -> dict[str, Any]:
    return await posted(client, "/v1/duties", **duty_fields(vehicle, *crew, **fields))
