"""Writes streets, houses and points of care into an open index, and weighs its names."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from dispatch_api.geocoding.outline import Point
from dispatch_api.geocoding.records import PlaceRecord
from dispatch_api.geocoding.spelling import canonical, grams
from dispatch_api.geocoding.street_grouping import House, Street

_WEIGH_NAMES = """
CREATE TEMP TABLE total (name_id INTEGER PRIMARY KEY, weight REAL);
INSERT INTO total SELECT name_id, sum(weight) FROM gram JOIN gram_weight USING (gram)
    GROUP BY name_id;
UPDATE name SET weight = (SELECT total.weight FROM total WHERE total.name_id = name.id);
"""


@dataclass(slots=True)
class IndexWriter:
    """Fills the tables of `index_file` and counts what it wrote."""

    database: sqlite3.Connection
    streets: int = 0
    houses: int = 0
    places: int = 0

    def add_street(self, street: Street, city: str) -> None:
        """A street with its houses under all its names; `city` where the street names none."""
        label = street.names.most_common(1)[0][0]
        postcodes = [code for code, _ in street.postcodes.most_common()]
        row = (label, _most(street.cities) or city, _most(street.municipalities))
        middle: Point = street.middle()
        street_id = self.database.execute(
            "INSERT INTO street (label, city, municipality, postcodes, lat, lon)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (*row, " ".join(postcodes), *middle),
        ).lastrowid
        for name_id in self._name_ids((*street.names, *street.other_names)):
            self.database.execute("INSERT INTO street_name VALUES (?, ?)", (name_id, street_id))
        houses = street.distinct_houses()
        self.database.executemany(
            "INSERT INTO house VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (_house_row(street_id, house) for house in houses),
        )
        self._add_postcodes(postcodes)
        self.streets += 1
        self.houses += len(houses)

    def add_place(self, place: PlaceRecord) -> None:
        place_id = self.database.execute(
            "INSERT INTO place (label, kind, street, house_number, postcode, city, lat, lon,"
            " precision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(place.name, place.kind, place.street, place.house_number),
                *(place.postcode, place.city, place.lat, place.lon, place.precision.value),
            ),
        ).lastrowid
        for name_id in self._name_ids((place.name, *place.other_names)):
            self.database.execute("INSERT INTO place_name VALUES (?, ?)", (name_id, place_id))
        self._add_postcodes([place.postcode] if place.postcode else [])
        self.places += 1

    def weigh(self) -> None:
        """Gives letter triples and names their weights: what is rare tells more."""
        (names,) = self.database.execute("SELECT count(*) FROM name").fetchone()
        counts = self.database.execute("SELECT gram, count(*) FROM gram GROUP BY gram").fetchall()
        self.database.executemany(
            "INSERT INTO gram_weight VALUES (?, ?, ?)",
            ((gram, count, math.log1p(names / count)) for gram, count in counts),
        )
        self.database.executescript(_WEIGH_NAMES)

    def _add_postcodes(self, postcodes: list[str]) -> None:
        self.database.executemany(
            "INSERT OR IGNORE INTO postcode VALUES (?)", ((code,) for code in postcodes)
        )

    def _name_ids(self, names: Iterable[str]) -> list[int]:
        """The ids of the names' spellings, which are entered where they are new."""
        spellings = dict.fromkeys(canonical(name) for name in names)
        return [self._name_id(spelling) for spelling in spellings if spelling]

    def _name_id(self, spelling: str) -> int:
        known = self.database.execute("SELECT id FROM name WHERE spelling = ?", (spelling,))
        if row := known.fetchone():
            return int(row[0])
        added = self.database.execute("INSERT INTO name (spelling) VALUES (?)", (spelling,))
        name_id = added.lastrowid or 0
        self.database.executemany(
            "INSERT INTO gram VALUES (?, ?)", ((gram, name_id) for gram in grams(spelling))
        )
        return name_id


def _most(counted: Counter[str]) -> str:
    return counted.most_common(1)[0][0] if counted else ""


def _house_row(street_id: int | None, house: House) -> tuple[object, ...]:
    number = house.number
    return (
        *(street_id, number.low, number.high, number.suffix, house.written),
        *(house.postcode, house.city, *house.at, house.precision.value),
    )
