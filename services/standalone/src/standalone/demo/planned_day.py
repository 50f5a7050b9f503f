"""The API's plan joined with the names of the day: what the demo prints, or gives out as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from atmr_engine.formats.day import BookingRecord, Day
from atmr_engine.formats.day_description import RouteLines, StopLine

__all__ = ["PlannedDay", "join"]


@dataclass(frozen=True, kw_only=True)
class PlannedDay:
    """A committed plan in words. `reused` says that an earlier demo had planned it."""

    day: Day
    company_id: UUID
    version: int
    reused: bool
    routes: tuple[RouteLines, ...]
    unserved: tuple[dict[str, str], ...]
    held: tuple[dict[str, str], ...]
    summary: dict[str, Any]

    def as_json(self, urls: dict[str, str]) -> dict[str, Any]:
        summary = self.summary
        return {
            "date": self.day.date.isoformat(),
            "zone": str(self.day.zone),
            "synthetic": True,
            "company_id": str(self.company_id),
            "plan_version": self.version,
            "reused": self.reused,
            "cost": summary["objective"],
            "vehicles": sum(1 for route in self.routes if _is_driven(route)),
            "unserved": list(self.unserved),
            "held": list(self.held),
            "kpis": summary["kpis"],
            "source": summary["source"],
            "travel": {"source": summary["travel_source"], "degraded": summary["degraded"]},
            "routes": [route.as_json() for route in self.routes],
            "urls": urls,
        }


def join(
    day: Day,
    company_id: UUID,
    plan: dict[str, Any],
    bookings: list[dict[str, Any]],
    duties: list[dict[str, Any]],
    *,
    reused: bool,
) -> PlannedDay:
    """Put the day's names on the plan's ids."""
    references = {item["id"]: item["reference"] or item["id"] for item in bookings}
    names = {item["id"]: item["name"] for item in duties}
    records = {record.id: record for record in day.bookings}
    crews = {record.id: (record.driver, record.vehicle) for record in day.duties}
    routes = []
    for route in plan["routes"]:
        name = names.get(route["duty_id"], route["duty_id"])
        driver, vehicle = crews.get(name, (name, ""))
        stops = tuple(_stops(day, route["stops"], references, records))
        routes.append(RouteLines(duty=name, driver=driver, vehicle=vehicle, stops=stops))
    summary = plan["summary"]
    return PlannedDay(
        day=day,
        company_id=company_id,
        version=plan["version"],
        reused=reused,
        routes=tuple(routes),
        unserved=_left_out(summary["unserved"], references),
        held=_left_out(summary["held"], references),
        summary=summary,
    )


def _stops(
    day: Day,
    stops: list[dict[str, Any]],
    references: dict[str, str],
    records: dict[str, BookingRecord],
) -> list[StopLine]:
    riders = 0
    lines = []
    for stop in stops:
        reference = references.get(stop["booking_id"])
        record = records.get(reference or "")
        riders += _boarding(stop["kind"], record)
        place = record and (record.pickup if stop["kind"] == "pickup" else record.dropoff)
        lines.append(
            StopLine(
                kind=stop["kind"],
                arrival=_local(day, stop["arrival_at"]),
                begin=_local(day, stop["begin_at"]),
                end=_local(day, stop["end_at"]),
                place=place.label if place else "",
                point=place.point if place else None,
                riders=riders,
                booking=reference,
                patient_ref=record.patient_ref if record else None,
                direction=str(record.direction) if record else None,
                mobility=str(record.mobility) if record else None,
            )
        )
    return lines


def _boarding(kind: str, record: BookingRecord | None) -> int:
    party = 1 + record.companions if record else 0
    return {"pickup": party, "dropoff": -party}.get(kind, 0)


def _local(day: Day, text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(day.zone)


def _left_out(
    items: list[dict[str, Any]], references: dict[str, str]
) -> tuple[dict[str, str], ...]:
    return tuple(
        {
            "booking": references.get(item["booking_id"], item["booking_id"]),
            "rule": item["rule"] or "",
            "reason": item["reason"],
        }
        for item in items
    )


def _is_driven(route: RouteLines) -> bool:
    return any(stop.booking is not None for stop in route.stops)
