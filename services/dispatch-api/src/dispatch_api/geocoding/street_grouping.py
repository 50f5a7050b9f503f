"""Which addresses and pieces of way of one name are one street.

A name occurs in many municipalities. Addresses that name their city belong together; what
names none joins the street of that name next to it, or forms one with its neighbours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dispatch_api.geocoding.house_number import HouseNumber
from dispatch_api.geocoding.outline import Point, distance_m
from dispatch_api.geocoding.port import Precision
from dispatch_api.geocoding.records import Standing
from dispatch_api.geocoding.spelling import canonical

Cell = tuple[int, int]

SAME_HOUSE_M = 50.0
"""Two records of one number within this distance are the same house."""

_PRECISION_ORDER = {precision: rank for rank, precision in enumerate(Precision)}


@dataclass(frozen=True, slots=True)
class House:
    """One house number of a street; `at` is its (lat, lon)."""

    written: str
    number: HouseNumber
    postcode: str
    city: str
    municipality: str
    at: Point
    precision: Precision
    standing: Standing


@dataclass(slots=True)
class Street:
    """The houses and points of one street; names and city are the most frequent ones."""

    names: Counter[str] = field(default_factory=Counter)
    other_names: set[str] = field(default_factory=set)
    cities: Counter[str] = field(default_factory=Counter)
    municipalities: Counter[str] = field(default_factory=Counter)
    postcodes: Counter[str] = field(default_factory=Counter)
    houses: list[House] = field(default_factory=list)
    on_street: list[Point] = field(default_factory=list)

    def add(self, sighting: Sighting) -> None:
        self.names[sighting.name] += 1
        self.other_names.update(sighting.other_names)
        if house := sighting.house:
            self.houses.append(house)
            self.cities.update([house.city] if house.city else [])
            self.municipalities.update([house.municipality] if house.municipality else [])
            self.postcodes.update([house.postcode] if house.postcode else [])
        else:
            self.on_street.append(sighting.at)

    def middle(self) -> Point:
        """The point on the street (else the house) nearest to the mean of them all."""
        points = self.on_street or [house.at for house in self.houses]
        mean = (
            sum(lat for lat, _ in points) / len(points),
            sum(lon for _, lon in points) / len(points),
        )
        return min(points, key=lambda point: distance_m(point, mean))

    def distinct_houses(self) -> list[House]:
        """The best record of each house: by its door, then the building, then a tenant."""
        ranked = sorted(
            self.houses, key=lambda house: (_PRECISION_ORDER[house.precision], house.standing)
        )
        kept: dict[HouseNumber, list[House]] = {}
        for house in ranked:
            same = kept.setdefault(house.number, [])
            if all(distance_m(house.at, other.at) > SAME_HOUSE_M for other in same):
                same.append(house)
        return [house for houses in kept.values() for house in houses]


@dataclass(frozen=True, slots=True)
class Sighting:
    """One record of a street's name: at a house, or on a piece of its way (no house)."""

    name: str
    at: Point
    other_names: tuple[str, ...] = ()
    house: House | None = None


def cell_of(point: Point) -> Cell:
    """The square of about a kilometre that a point lies in."""
    return int(point[0] * 100), int(point[1] * 75)


def around(cell: Cell) -> Iterable[Cell]:
    """The cell itself first, then its eight neighbours."""
    yield cell
    steps = (-1, 0, 1)
    yield from ((cell[0] + i, cell[1] + j) for i in steps for j in steps if i or j)


def group_streets(sightings: Sequence[Sighting]) -> list[Street]:
    """The streets among the sightings of one name."""
    streets: dict[tuple[str, str], Street] = {}
    of_cell: dict[Cell, Street] = {}
    loose: list[Sighting] = []
    for sighting in sightings:
        if sighting.house is None or not sighting.house.city:
            loose.append(sighting)
            continue
        key = (canonical(sighting.house.city), canonical(sighting.house.municipality))
        street = streets.setdefault(key, Street())
        street.add(sighting)
        of_cell.setdefault(cell_of(sighting.at), street)
    alone: dict[Cell, list[Sighting]] = {}
    for sighting in loose:
        cells = around(cell_of(sighting.at))
        beside = next((of_cell[cell] for cell in cells if cell in of_cell), None)
        if beside:
            beside.add(sighting)
        else:
            alone.setdefault(cell_of(sighting.at), []).append(sighting)
    return [*streets.values(), *_connected(alone)]


def _connected(alone: dict[Cell, list[Sighting]]) -> Iterable[Street]:
    """One street per group of cells that touch; empties `alone`."""
    while alone:
        street = Street()
        open_cells = [next(iter(alone))]
        while open_cells:
            cell = open_cells.pop()
            for sighting in alone.pop(cell, ()):
                street.add(sighting)
            open_cells.extend(near for near in around(cell) if near in alone)
        yield street
