"""What a source of addresses yields, before it becomes an index: one record per thing seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from dispatch_api.geocoding.port import Precision


class Standing(IntEnum):
    """Which of two records of one address is believed: the lower."""

    ADDRESS = 0
    TENANT = 1


@dataclass(frozen=True, slots=True)
class AddressRecord:
    """A house number on a street; `other_names` are the street's names in other languages."""

    street: str
    house_number: str
    postcode: str
    city: str
    lat: float
    lon: float
    precision: Precision = Precision.HOUSE
    standing: Standing = Standing.ADDRESS
    municipality: str = ""
    other_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StreetRecord:
    """A piece of a named street or square, with a point that lies on it."""

    name: str
    lat: float
    lon: float
    other_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceRecord:
    """A point of care by its name: hospital, practice, pharmacy, home."""

    name: str
    kind: str
    lat: float
    lon: float
    precision: Precision
    street: str = ""
    house_number: str = ""
    postcode: str = ""
    city: str = ""
    other_names: tuple[str, ...] = ()


Record = AddressRecord | StreetRecord | PlaceRecord


class AddressSource(Protocol):
    """A file of addresses that an index can be built from."""

    @property
    def attribution(self) -> str:
        """Name of the data with the attribution that its licence asks for."""
        ...

    def records(self) -> Iterator[Record]:
        """Everything in the file, streamed; raises ExtractUnusableError."""
        ...
