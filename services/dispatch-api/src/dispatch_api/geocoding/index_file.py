"""The index file: one SQLite database with a stamp that tells ours, its version, whole or not.

Names lead to streets and points of care, letter triples lead to names, a street to its
houses. The file is written once, beside its target, and moved into place when complete.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from dispatch_api.geocoding.errors import IndexUnusableError

APPLICATION_ID: Final = 0x41544D52
"""'ATMR' in SQLite's application id, by which a foreign database is told."""
FORMAT_VERSION: Final = 1

_SCHEMA: Final = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE name (id INTEGER PRIMARY KEY, spelling TEXT UNIQUE NOT NULL, weight REAL);
CREATE TABLE gram (gram TEXT, name_id INTEGER, PRIMARY KEY (gram, name_id)) WITHOUT ROWID;
CREATE TABLE gram_weight (gram TEXT PRIMARY KEY, names INTEGER, weight REAL) WITHOUT ROWID;
CREATE TABLE street (
    id INTEGER PRIMARY KEY, label TEXT, city TEXT, municipality TEXT, postcodes TEXT,
    lat REAL, lon REAL);
CREATE TABLE street_name (
    name_id INTEGER, street_id INTEGER, PRIMARY KEY (name_id, street_id)) WITHOUT ROWID;
CREATE TABLE house (
    street_id INTEGER, low INTEGER, high INTEGER, suffix TEXT, written TEXT,
    postcode TEXT, city TEXT, lat REAL, lon REAL, precision TEXT);
CREATE INDEX house_of_street ON house (street_id, low);
CREATE TABLE place (
    id INTEGER PRIMARY KEY, label TEXT, kind TEXT, street TEXT, house_number TEXT,
    postcode TEXT, city TEXT, lat REAL, lon REAL, precision TEXT);
CREATE TABLE place_name (
    name_id INTEGER, place_id INTEGER, PRIMARY KEY (name_id, place_id)) WITHOUT ROWID;
CREATE TABLE postcode (code TEXT PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """Where an index comes from, when it was built, and what it holds."""

    attribution: str
    extract: str
    built_at: datetime
    streets: int
    houses: int
    places: int


@contextmanager
def written_index(target: Path) -> Iterator[sqlite3.Connection]:
    """A new index to fill; it takes the target's place when the block ends without an error."""
    if not target.parent.is_dir():
        raise IndexUnusableError(f"{target.parent} is no folder; make it, or choose another --out")
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise IndexUnusableError(
            f"{target.parent} cannot be written ({error.strerror}); choose another --out"
        ) from error
    os.close(handle)
    unfinished = Path(name)
    try:
        with closing(sqlite3.connect(unfinished)) as database:
            database.executescript(
                f"PRAGMA application_id = {APPLICATION_ID};"
                f"PRAGMA user_version = {FORMAT_VERSION};"
                f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_SCHEMA}"
            )
            yield database
            database.commit()
        _settle(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def _settle(unfinished: Path, target: Path) -> None:
    """Moves the complete file into place, after it has reached the disk."""
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.chmod(0o644)
    unfinished.replace(target)


def open_index(path: Path) -> sqlite3.Connection:
    """A read-only connection; raises IndexUnusableError naming the fault and the remedy."""
    if not path.is_file():
        raise IndexUnusableError(
            f"there is no address index at {path}; build one with: atmr places build EXTRACT"
            f" --out {path}"
        )
    address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    database = sqlite3.connect(address, uri=True, check_same_thread=False)
    try:
        _check(database, path)
    except sqlite3.DatabaseError as error:
        database.close()
        raise IndexUnusableError(
            f"{path} is damaged or no address index ({error}); build it again"
        ) from error
    except IndexUnusableError:
        database.close()
        raise
    return database


def _check(database: sqlite3.Connection, path: Path) -> None:
    """Ours, and of this version."""
    marks = {
        mark: database.execute(f"PRAGMA {mark}").fetchone()[0]
        for mark in ("application_id", "user_version")
    }
    if marks["application_id"] != APPLICATION_ID:
        raise IndexUnusableError(
            f"{path} is a database, but no address index; choose another file, or build one with:"
            " atmr places build"
        )
    if marks["user_version"] != FORMAT_VERSION:
        age = "an older" if marks["user_version"] < FORMAT_VERSION else "a newer"
        raise IndexUnusableError(
            f"{path} was built by {age} version (format {marks['user_version']}, this one reads"
            f" {FORMAT_VERSION}); build it again with: atmr places build"
        )


def write_facts(database: sqlite3.Connection, facts: IndexFacts) -> None:
    """Stores the facts in the file, as text."""
    rows = {
        "attribution": facts.attribution,
        "extract": facts.extract,
        "built_at": facts.built_at.isoformat(),
        "streets": str(facts.streets),
        "houses": str(facts.houses),
        "places": str(facts.places),
    }
    database.executemany("INSERT INTO about VALUES (?, ?)", rows.items())


def read_facts(database: sqlite3.Connection) -> IndexFacts:
    """The facts of an open index; raises IndexUnusableError where the file lost them."""
    try:
        rows = dict(database.execute("SELECT key, value FROM about"))
        return IndexFacts(
            attribution=rows["attribution"],
            extract=rows["extract"],
            built_at=datetime.fromisoformat(rows["built_at"]),
            streets=int(rows["streets"]),
            houses=int(rows["houses"]),
            places=int(rows["places"]),
        )
    except (sqlite3.DatabaseError, KeyError, ValueError) as error:
        raise IndexUnusableError(
            f"the address index is damaged ({error}); build it again"
        ) from error
