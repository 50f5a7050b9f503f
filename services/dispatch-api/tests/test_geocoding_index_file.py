"""The index file: what it holds, that it is whole or not there, and what is refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatch_api.geocoding.errors import ExtractUnusableError, IndexUnusableError
from dispatch_api.geocoding.index_building import build_index
from dispatch_api.geocoding.offline_index import OfflineGeocoder

VILLAGE = Path(__file__).parent / "geocoding_village.osm"
BUILT_AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    build_index(VILLAGE, tmp_path / "places.sqlite", built_at=BUILT_AT)
    return tmp_path / "places.sqlite"


def refusal(path: Path) -> str:
    with pytest.raises(IndexUnusableError) as caught:
        OfflineGeocoder(path).search("rue de la fontaine 12")
    return str(caught.value)


def test_an_index_says_where_it_comes_from_and_what_it_holds(index: Path) -> None:
    geocoder = OfflineGeocoder(index)
    facts = geocoder.facts
    geocoder.close()
    assert facts.attribution == "© OpenStreetMap contributors, ODbL"
    assert (facts.extract, facts.built_at) == ("geocoding_village.osm", BUILT_AT)
    assert (facts.streets, facts.houses, facts.places) == (7, 11, 2)


def test_a_missing_file_names_the_command_that_builds_it(tmp_path: Path) -> None:
    assert "atmr places build" in refusal(tmp_path / "absent.sqlite")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "photo.sqlite"
    other.write_bytes(b"not a database at all " * 100)
    assert "build it again" in refusal(other)


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "foreign.sqlite")) as database:
        database.execute("CREATE TABLE street (id)")
        database.commit()
    assert "no address index" in refusal(tmp_path / "foreign.sqlite")


@pytest.mark.parametrize(("version", "age"), [(0, "older"), (99, "newer")])
def test_another_version_is_refused(index: Path, version: int, age: str) -> None:
    with closing(sqlite3.connect(index)) as database:
        database.execute(f"PRAGMA user_version = {version}")
        database.commit()
    message = refusal(index)
    assert age in message
    assert "atmr places build" in message


def test_a_file_that_is_cut_off_is_refused(index: Path) -> None:
    whole = index.read_bytes()
    index.write_bytes(whole[: len(whole) // 2])
    assert "build it again" in refusal(index)


def test_damage_inside_is_an_error_and_no_empty_answer(index: Path) -> None:
    whole = index.read_bytes()
    index.write_bytes(whole[:4096] + b"\xaa" * (len(whole) - 4096))
    assert "damaged" in refusal(index)


def test_a_failed_build_leaves_the_old_index_and_no_rubbish(index: Path, tmp_path: Path) -> None:
    before = index.read_bytes()
    broken = tmp_path / "broken.osm.pbf"
    broken.write_bytes(b"\x00\x00\x00\x0dnot osm data at all")
    with pytest.raises(ExtractUnusableError, match="not a readable OSM extract"):
        build_index(broken, index, built_at=BUILT_AT)
    assert index.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.osm.pbf", index.name]


def test_an_extract_without_addresses_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "sea.osm"
    empty.write_text('<osm version="0.6"><node id="1" version="1" lat="1" lon="1"/></osm>')
    with pytest.raises(ExtractUnusableError, match="holds no address"):
        build_index(empty, tmp_path / "places.sqlite", built_at=BUILT_AT)
    assert not (tmp_path / "places.sqlite").exists()


@pytest.mark.parametrize(("name", "fault"), [("none.osm.pbf", "no file"), ("a.xlsx", "kind")])
def test_an_extract_that_is_absent_or_of_another_kind_is_refused(
    tmp_path: Path, name: str, fault: str
) -> None:
    if name == "a.xlsx":
        (tmp_path / name).touch()
    with pytest.raises(ExtractUnusableError, match=fault):
        build_index(tmp_path / name, tmp_path / "places.sqlite", built_at=BUILT_AT)


def test_a_target_in_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexUnusableError, match="no folder"):
        build_index(VILLAGE, tmp_path / "absent" / "places.sqlite", built_at=BUILT_AT)


def test_progress_is_told_and_a_build_is_repeatable(tmp_path: Path) -> None:
    stages: list[str] = []
    for name in ("one", "two"):
        build_index(
            VILLAGE,
            tmp_path / name,
            built_at=BUILT_AT,
            progress=lambda stage, _done, _total: stages.append(stage),
        )
    assert "weighing" in stages
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
