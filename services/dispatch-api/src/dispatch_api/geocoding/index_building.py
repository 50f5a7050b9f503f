"""Builds the index file from a source of addresses.

Records are streamed into a temporary table sorted by name, so that memory holds the
sightings of one street name at a time, whatever the size of the country.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from dispatch_api.geocoding.errors import ExtractUnusableError
from dispatch_api.geocoding.house_number import parse_list
from dispatch_api.geocoding.index_file import IndexFacts, write_facts, written_index
from dispatch_api.geocoding.index_writing import IndexWriter
from dispatch_api.geocoding.openstreetmap import OpenStreetMapExtract
from dispatch_api.geocoding.outline import Point
from dispatch_api.geocoding.port import Precision
from dispatch_api.geocoding.records import (
    AddressRecord,
    AddressSource,
    PlaceRecord,
    Record,
    Standing,
    StreetRecord,
)
from dispatch_api.geocoding.spelling import canonical
from dispatch_api.geocoding.street_grouping import (
    Cell,
    House,
    Sighting,
    around,
    cell_of,
    group_streets,
)
from dispatch_api.geocoding.swisstopo import SwisstopoDirectory

Progress = Callable[[str, int, int | None], None]
"""Told (stage, done so far, of how many or None where nobody knows)."""

REPORT_EVERY = 1000

_SIGHTINGS = """
CREATE TEMP TABLE sighting (
    spelling TEXT, name TEXT, other_names TEXT, house_number TEXT, postcode TEXT, city TEXT,
    municipality TEXT, lat REAL, lon REAL, precision TEXT, standing INTEGER)
"""


def source_of(path: Path) -> AddressSource:
    """The reader for a file by its name; raises ExtractUnusableError for other kinds."""
    if not path.is_file():
        raise ExtractUnusableError(f"there is no file {path}; give an .osm.pbf, .osm or .csv file")
    if path.name.endswith((".osm.pbf", ".osm", ".osm.bz2", ".osm.gz")):
        return OpenStreetMapExtract(path)
    if path.suffix.lower() == ".csv":
        return SwisstopoDirectory(path)
    raise ExtractUnusableError(
        f"{path} is of no known kind; an index is built from an OSM extract (.osm.pbf, .osm) or"
        " swisstopo's directory of building addresses (.csv)"
    )


def build_index(
    extract: Path,
    target: Path,
    *,
    built_at: datetime,
    progress: Progress = lambda _stage, _done, _total: None,
) -> IndexFacts:
    """Writes the index of an extract to `target`, atomically, and says what it holds.

    Raises ExtractUnusableError (nothing is written then) and IndexUnusableError.
    """
    source = source_of(extract)
    with written_index(target) as database:
        writer = IndexWriter(database)
        building = _Building(database, writer, progress)
        building.collect(source.records())
        building.arrange()
        if not (writer.streets or writer.places):
            raise ExtractUnusableError(
                f"{extract} holds no address, named street or point of care; choose an extract"
                " that covers where you drive"
            )
        progress("weighing", 0, None)
        writer.weigh()
        facts = IndexFacts(
            attribution=source.attribution,
            extract=extract.name,
            built_at=built_at,
            streets=writer.streets,
            houses=writer.houses,
            places=writer.places,
        )
        write_facts(database, facts)
    return facts


@dataclass(slots=True)
class _Building:
    """The steps of a build, over one open database."""

    database: sqlite3.Connection
    writer: IndexWriter
    progress: Progress
    cities: dict[Cell, Counter[str]] = field(default_factory=dict)

    def collect(self, records: Iterable[Record]) -> None:
        """Takes everything from the source: places at once, sightings into a table to sort."""
        self.database.execute(_SIGHTINGS)
        for count, record in enumerate(records, start=1):
            if isinstance(record, PlaceRecord):
                self.writer.add_place(record)
            else:
                self.database.execute(
                    "INSERT INTO sighting VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    _sighting_row(record),
                )
            if isinstance(record, AddressRecord) and record.city:
                cell = cell_of((record.lat, record.lon))
                self.cities.setdefault(cell, Counter())[record.city] += 1
            if count % REPORT_EVERY == 0:
                self.progress("reading", count, None)

    def arrange(self) -> None:
        """Groups the sightings of each name into streets and writes them with their houses."""
        total = self.database.execute("SELECT count(*) FROM sighting").fetchone()[0]
        rows = self.database.execute("SELECT * FROM sighting WHERE spelling > '' ORDER BY spelling")
        done = 0
        for _, same in groupby(rows, key=lambda row: row[0]):
            sightings = [sighting for row in same for sighting in _sightings(row)]
            for street in group_streets(sightings):
                self.writer.add_street(street, self._city_around(street.middle()))
            if (done + len(sightings)) // REPORT_EVERY > done // REPORT_EVERY:
                self.progress("arranging", done + len(sightings), total)
            done += len(sightings)

    def _city_around(self, at: Point) -> str:
        """The city that most addresses of this square kilometre bear, else of the next ones."""
        for cell in around(cell_of(at)):
            if counted := self.cities.get(cell):
                return counted.most_common(1)[0][0]
        return ""


def _sighting_row(record: AddressRecord | StreetRecord) -> tuple[Any, ...]:
    others = json.dumps(record.other_names)
    if isinstance(record, StreetRecord):
        no_house = ("", "", "", "", record.lat, record.lon, "", 0)
        return (canonical(record.name), record.name, others, *no_house)
    place = (record.house_number, record.postcode, record.city, record.municipality)
    point = (record.lat, record.lon, record.precision.value, int(record.standing))
    return (canonical(record.street), record.street, others, *place, *point)


def _sightings(row: Sequence[Any]) -> Iterator[Sighting]:
    """A sighting for each house of a row ('12;14' are two), or one of the street alone."""
    _, name, others, numbers, postcode, city, municipality, lat, lon, precision, standing = row
    other_names = tuple(json.loads(others))
    houses = parse_list(numbers)
    for written, number in houses:
        house = House(
            written=written,
            number=number,
            postcode=postcode,
            city=city,
            municipality=municipality,
            at=(lat, lon),
            precision=Precision(precision),
            standing=Standing(standing),
        )
        yield Sighting(name, (lat, lon), other_names, house)
    if not houses:
        yield Sighting(name, (lat, lon), other_names)
