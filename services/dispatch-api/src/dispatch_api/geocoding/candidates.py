"""Streets and points of care whose names share letter triples with a search.

Rare triples are asked first and the rows read are bounded, so that a search in a country
costs about what it costs in a town.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dispatch_api.geocoding.similarity import Asked
from dispatch_api.geocoding.spelling import canonical, grams

ROWS_READ: Final = 30_000
"""Entries of the triple index read at most for one search."""
NAMES_COMPARED: Final = 60
STREETS_COMPARED: Final = 2000
NUMBERS_LEFT_OVER: Final = 0.95
"""'Mannerheimintie 20 B 5': the flat's number is no part of a street without digits."""

_WEIGHTS = """
SELECT gram, names, weight FROM gram_weight
WHERE gram IN (SELECT value FROM json_each(?)) ORDER BY names, gram
"""
_NAMES = """
SELECT name.id, name.spelling FROM (
    SELECT gram.name_id AS id, sum(wanted.value) AS shared
    FROM json_each(?) AS wanted JOIN gram ON gram.gram = wanted.key
    GROUP BY gram.name_id ORDER BY shared DESC, id LIMIT 1000
) AS found JOIN name USING (id)
ORDER BY found.shared / (name.weight + ?) DESC, name.id LIMIT 200
"""
_STREETS = """
SELECT street_name.name_id, street.id, label, city, municipality, postcodes, lat, lon
FROM street_name JOIN street ON street.id = street_name.street_id
WHERE street_name.name_id IN (SELECT value FROM json_each(?)) LIMIT ?
"""
_PLACES = """
SELECT place_name.name_id, place.id, label, street, house_number, postcode, city,
    lat, lon, precision
FROM place_name JOIN place ON place.id = place_name.place_id
WHERE place_name.name_id IN (SELECT value FROM json_each(?)) LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class StreetCandidate:
    """A street and how alike the search is to its name and city (0 to 1)."""

    likeness: float
    id: int
    label: str
    city: str
    municipality: str
    postcodes: str
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class PlaceCandidate:
    """A point of care and how alike the search is to its name, street and city (0 to 1)."""

    likeness: float
    id: int
    label: str
    street: str
    house_number: str
    postcode: str
    city: str
    lat: float
    lon: float
    precision: str


def street_candidates(
    database: sqlite3.Connection, words: str, *, numbered_only: bool = False
) -> list[StreetCandidate]:
    """Streets with a name like some of the words, each once, by its best name.

    `numbered_only` leaves only names that hold a number themselves ('Rue du 31-Décembre').
    """
    asked = _Search(words)
    spellings = _likely_names(database, asked)
    if numbered_only:
        spellings = {key: name for key, name in spellings.items() if _has_digit(name)}
    rows = database.execute(_STREETS, (json.dumps(list(spellings)), STREETS_COMPARED))
    best: dict[int, StreetCandidate] = {}
    for name_id, *row in rows:
        cities = _distinct(row[2], row[3])
        found = StreetCandidate(asked.likeness(spellings[name_id], cities), *row)
        if found.id not in best or best[found.id].likeness < found.likeness:
            best[found.id] = found
    return list(best.values())


def place_candidates(database: sqlite3.Connection, words: str) -> list[PlaceCandidate]:
    """Points of care with a name like some of the words."""
    asked = _Search(words)
    spellings = _likely_names(database, asked)
    rows = database.execute(_PLACES, (json.dumps(list(spellings)), STREETS_COMPARED))
    best: dict[int, PlaceCandidate] = {}
    for name_id, *row in rows:
        around = _distinct(row[5], row[2], f"{row[2]} {row[3]} {row[5]}")
        found = PlaceCandidate(asked.likeness(spellings[name_id], around), *row)
        if found.id not in best or best[found.id].likeness < found.likeness:
            best[found.id] = found
    return list(best.values())


class _Search:
    """The words of a search, with and without the numbers among them."""

    def __init__(self, words: str) -> None:
        self.whole = Asked(words)
        lettered = " ".join(word for word in words.split() if not _has_digit(word))
        self.lettered = Asked(lettered) if lettered != words else self.whole

    def likeness(self, name: str, around: Sequence[str]) -> float:
        """Similarity to a name; a name without numbers is not held against the search's."""
        if self.lettered is self.whole or _has_digit(name):
            return self.whole.likeness(name, around)
        lettered = NUMBERS_LEFT_OVER * self.lettered.likeness(name, around)
        return max(self.whole.likeness(name, around), lettered)


def _has_digit(text: str) -> bool:
    return any(char.isdigit() for char in text)


def _distinct(*texts: str) -> list[str]:
    return [text for text in dict.fromkeys(canonical(one) for one in texts) if text]


def _likely_names(database: sqlite3.Connection, search: _Search) -> dict[int, str]:
    """Ids and spellings of the names most like the words."""
    rows = database.execute(_WEIGHTS, (json.dumps(sorted(grams(search.whole.words))),)).fetchall()
    wanted = _affordable(rows)
    found = database.execute(_NAMES, (json.dumps(wanted), sum(wanted.values()))).fetchall()
    found.sort(key=lambda row: -search.whole.name_likeness(row[1]))
    return dict(found[:NAMES_COMPARED])


def _affordable(rows: Sequence[tuple[str, int, float]]) -> dict[str, float]:
    """Weights of the triples to ask for, rarest first, as far as the bound of rows goes."""
    wanted: dict[str, float] = {}
    read = 0
    for gram, names, weight in rows:
        read += names
        if wanted and read > ROWS_READ:
            break
        wanted[gram] = weight
    return wanted
