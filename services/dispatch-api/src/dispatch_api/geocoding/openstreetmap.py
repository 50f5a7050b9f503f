"""Reads an OSM extract (.osm.pbf or .osm): addresses, doors, named streets, points of care.

The file is streamed; node positions live in osmium's own index, on disk for large files.
A building's address takes the position of its door where the door is beyond doubt.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import osmium
from osmium.osm import Area, Node, TagList, Way

from dispatch_api.geocoding.errors import ExtractUnusableError
from dispatch_api.geocoding.outline import Point, centroid, extent_m
from dispatch_api.geocoding.port import Precision
from dispatch_api.geocoding.records import (
    AddressRecord,
    PlaceRecord,
    Record,
    Standing,
    StreetRecord,
)

ATTRIBUTION: Final = "© OpenStreetMap contributors, ODbL"
LARGE_FILE_BYTES: Final = 300_000_000
"""Above it node positions go to a temporary file instead of memory."""
HOUSE_EXTENT_M: Final = 60.0
"""An outline that is not said to be a building stands for a house up to this diagonal."""

_CARE_AMENITIES = frozenset(
    ("hospital", "clinic", "doctors", "dentist", "pharmacy", "nursing_home", "social_facility")
)
_NO_STREETS = frozenset(
    ("platform", "bus_stop", "services", "rest_area", "construction", "proposed", "trail")
)
_NO_DOORS = frozenset(("exit", "emergency", "service", "garage", "no"))
_TENANT_KEYS = ("amenity", "shop", "office", "tourism", "leisure", "craft", "healthcare")
_OTHER_NAME_KEYS = frozenset(("alt_name", "old_name", "short_name", "official_name", "loc_name"))
_LANGUAGES = frozenset(("de", "en", "fi", "fr", "it", "rm", "sv"))
_KEYS_READ = ("addr:housenumber", "highway", "place", "entrance", "amenity", "healthcare")


@dataclass(frozen=True, slots=True)
class OpenStreetMapExtract:
    """An extract as a source of addresses."""

    path: Path
    attribution: str = ATTRIBUTION

    def records(self) -> Iterator[Record]:
        """Everything useful in the file; raises ExtractUnusableError when it is not OSM data."""
        reading = _Reading()
        large = self.path.stat().st_size > LARGE_FILE_BYTES
        wanted = osmium.filter.KeyFilter(*_KEYS_READ, "social_facility")
        areas = osmium.filter.KeyFilter("addr:housenumber", "amenity", "healthcare")
        objects = (
            osmium.FileProcessor(self.path)
            .with_locations("sparse_file_array" if large else "flex_mem")
            .with_areas(areas)
            .with_filter(wanted)
        )
        try:
            with closing(reading.doors):
                for thing in objects:
                    yield from reading.records_of(thing)
        except (RuntimeError, osmium.InvalidLocationError) as error:
            raise ExtractUnusableError(
                f"{self.path} is not a readable OSM extract ({error});"
                " download it again, as .osm.pbf or .osm"
            ) from error


def _door_table() -> sqlite3.Connection:
    """Doors by node id, in a private temporary database that SQLite spills to disk."""
    doors = sqlite3.connect("")
    doors.execute("CREATE TABLE door (node INTEGER PRIMARY KEY, main INTEGER, lat REAL, lon REAL)")
    return doors


@dataclass(slots=True)
class _Reading:
    """One pass over a file; nodes come before the ways that use them."""

    doors: sqlite3.Connection = field(default_factory=_door_table)

    def records_of(self, thing: object) -> Iterator[Record]:
        if isinstance(thing, Node):
            yield from self._of_node(thing)
        elif isinstance(thing, Way):
            yield from self._of_way(thing)
        elif isinstance(thing, Area) and not thing.from_way():
            yield from self._of_area(thing)

    def _of_node(self, node: Node) -> Iterator[Record]:
        if not node.location.valid():
            return
        at = (node.lat, node.lon)
        kind = node.tags.get("entrance")
        usable_door = kind is not None and kind not in _NO_DOORS
        if usable_door:
            self.doors.execute(
                "INSERT OR REPLACE INTO door VALUES (?, ?, ?, ?)", (node.id, kind == "main", *at)
            )
        precision = Precision.ENTRANCE if usable_door else Precision.HOUSE
        yield from _located(node.tags, at, precision)
        if node.tags.get("place") == "square":
            yield from _street(node.tags, at)

    def _of_way(self, way: Way) -> Iterator[Record]:
        points = [(ref.lat, ref.lon) for ref in way.nodes if ref.location.valid()]
        if not points:
            return
        tags = way.tags
        is_street = "highway" in tags and tags["highway"] not in _NO_STREETS
        if is_street or tags.get("place") == "square":
            yield from _street(tags, points[len(points) // 2])
        if "addr:housenumber" in tags and (door := self._door_of(way)):
            yield from _located(tags, door, Precision.ENTRANCE)
        else:
            yield from _located(tags, centroid(points), _area_precision(tags, points))

    def _of_area(self, area: Area) -> Iterator[Record]:
        for ring in area.outer_rings():
            points = [(ref.lat, ref.lon) for ref in ring]
            yield from _located(area.tags, centroid(points), _area_precision(area.tags, points))
            return

    def _door_of(self, way: Way) -> Point | None:
        """The building's one main door, or its one door; None where that is open."""
        marks = [ref.ref for ref in way.nodes]
        found: dict[int, tuple[int, float, float]] = {}
        for node in marks:
            row = self.doors.execute("SELECT main, lat, lon FROM door WHERE node = ?", (node,))
            if door := row.fetchone():
                found[node] = door
        main = [door for door in found.values() if door[0]]
        certain = main or list(found.values())
        return certain[0][1:] if len(certain) == 1 else None


def _area_precision(tags: TagList, points: list[Point]) -> Precision:
    """A building's middle is the house; the middle of a hospital's grounds is only a place."""
    is_house = "building" in tags or extent_m(points) <= HOUSE_EXTENT_M
    return Precision.HOUSE if is_house else Precision.PLACE


def _located(tags: TagList, at: Point, precision: Precision) -> Iterator[Record]:
    """The address and the point of care that the tags of one object tell of, if any."""
    street = tags.get("addr:street") or tags.get("addr:place") or ""
    number = tags.get("addr:housenumber") or ""
    city = tags.get("addr:city") or ""
    postcode = (tags.get("addr:postcode") or "").split(";")[0].strip()
    if street and number:
        tenant = any(key in tags for key in _TENANT_KEYS) and "building" not in tags
        yield AddressRecord(
            street=street,
            house_number=number,
            postcode=postcode,
            city=city,
            lat=at[0],
            lon=at[1],
            precision=precision,
            standing=Standing.TENANT if tenant else Standing.ADDRESS,
            other_names=_other_names(tags, "addr:street", street, also=frozenset()),
        )
    if care := _care(tags, at):
        has_house = bool(street and number) and precision is not Precision.PLACE
        yield replace(
            care,
            precision=precision if has_house else Precision.PLACE,
            street=street,
            house_number=number,
            postcode=postcode,
            city=city,
        )


def _care(tags: TagList, at: Point) -> PlaceRecord | None:
    """The named point of care, if the tags are of one."""
    amenity = tags.get("amenity") or ""
    kind = amenity if amenity in _CARE_AMENITIES else ""
    kind = kind or tags.get("healthcare") or tags.get("social_facility") or ""
    name = tags.get("name")
    if not kind or not name:
        return None
    others = _other_names(tags, "name", name)
    return PlaceRecord(name, kind, at[0], at[1], Precision.PLACE, other_names=others)


def _street(tags: TagList, at: Point) -> Iterator[StreetRecord]:
    if name := tags.get("name"):
        yield StreetRecord(name, at[0], at[1], _other_names(tags, "name", name))


def _other_names(
    tags: TagList, key: str, name: str, also: frozenset[str] = _OTHER_NAME_KEYS
) -> tuple[str, ...]:
    """Names in other languages, and older or official ones; 'a;b' holds two."""
    found: dict[str, None] = {}
    for tag in tags:
        language = tag.k.removeprefix(f"{key}:")
        if tag.k in also or (language != tag.k and language in _LANGUAGES):
            found.update(dict.fromkeys(part.strip() for part in tag.v.split(";")))
    return tuple(other for other in found if other and other != name)
