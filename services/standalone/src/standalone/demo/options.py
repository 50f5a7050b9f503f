"""What a person may ask of the demo, and the synthetic day that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from atmr_engine.formats.day import Day
from atmr_engine.simulate.demand import Demand, generate_day

__all__ = ["ZONE", "DemoOptions"]

ZONE = ZoneInfo("Europe/Zurich")


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """What the day is made of, and where it is kept and shown."""

    day: date
    bookings: int
    duties: int
    seed: int
    solver_seconds: float
    data: Path | None
    port: int | None

    @property
    def company_name(self) -> str:
        """One company for each size and seed, so that different demos do not mix."""
        return f"SYNTHETIC demo: {self.bookings} bookings, {self.duties} duties, seed {self.seed}"

    def synthetic_day(self) -> Day:
        """The same day for the same options, on every machine."""
        demand = Demand(bookings=self.bookings, duties=self.duties, day=self.day, zone=ZONE)
        return generate_day(demand, self.seed)
