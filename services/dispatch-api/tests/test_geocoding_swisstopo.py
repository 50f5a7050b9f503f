"""Swiss coordinates, and an index from swisstopo's directory of building addresses."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatch_api.geocoding.errors import ExtractUnusableError
from dispatch_api.geocoding.index_building import build_index
from dispatch_api.geocoding.lv95 import wgs84
from dispatch_api.geocoding.offline_index import OfflineGeocoder

COLUMNS = (
    "ADR_EGAID;STR_ESID;BDG_EGID;ADR_EASTING;ADR_NORTHING;STN_LABEL;ADR_NUMBER;ZIP_LABEL;"
    "COM_NAME;COM_CANTON;ADR_STATUS;ADR_OFFICIAL"
)
ROWS = (
    "1;1;1;2600000.0;1200000.0;Musterstrasse;5;3001 Bern;Bern;BE;real;true",
    "2;1;2;2600010.0;1200010.0;Musterstrasse;7a;3001 Bern;Bern;BE;real;true",
    "3;1;3;2600020.0;1200020.0;Musterstrasse;9;3001 Bern;Bern;BE;planned;true",
    "4;1;4;2600030.0;1200030.0;Musterstrasse;11;3001 Bern;Bern;BE;real;false",
    "5;2;5;2497000.0;1115000.0;Chemin des Vignes;2;1213 Petit-Lancy;Lancy;GE;real;true",
)


def directory(folder: Path, *rows: str, columns: str = COLUMNS) -> Path:
    path = folder / "amtliches_verzeichnis.csv"
    path.write_text("\r\n".join((columns, *rows, "")), encoding="utf-8-sig")
    return path


def geocoder_of(csv: Path) -> OfflineGeocoder:
    index = csv.with_name("places.sqlite")
    build_index(csv, index, built_at=datetime(2026, 1, 1, tzinfo=UTC))
    return OfflineGeocoder(index)


@pytest.mark.parametrize(
    ("easting", "northing", "lat", "lon"),
    [
        # The old observatory of Bern, origin of the frame.
        (2_600_000, 1_200_000, 46.951082877, 7.438632495),
        # The worked example of swisstopo's paper: 46° 02' 38.86" N, 8° 43' 49.80" E.
        (2_700_000, 1_100_000, 46 + 2 / 60 + 38.86 / 3600, 8 + 43 / 60 + 49.80 / 3600),
    ],
)
def test_published_points_are_met_within_two_metres(
    easting: float, northing: float, lat: float, lon: float
) -> None:
    found_lat, found_lon = wgs84(easting, northing)
    assert found_lat == pytest.approx(lat, abs=1.5e-5)
    assert found_lon == pytest.approx(lon, abs=1.5e-5)


@pytest.mark.parametrize(("easting", "northing"), [(1_200_000, 2_600_000), (600_000, 200_000)])
def test_swapped_or_older_coordinates_are_refused(easting: float, northing: float) -> None:
    with pytest.raises(ValueError, match="no LV95 point"):
        wgs84(easting, northing)


def test_real_official_addresses_are_found_and_no_others(tmp_path: Path) -> None:
    geocoder = geocoder_of(directory(tmp_path, *ROWS))
    first = geocoder.search("Musterstr. 7A, Bern")[0]
    offered = geocoder.search("Musterstrasse 9")
    houses, attribution = geocoder.facts.houses, geocoder.facts.attribution
    geocoder.close()
    assert first.label == "Musterstrasse 7a, 3001 Bern"
    assert (first.precision, first.source) == ("house", attribution)
    assert {hit.precision.value for hit in offered} == {"street"}
    assert houses == 3
    assert "swisstopo" in attribution


def test_the_municipality_is_as_good_as_the_postal_town(tmp_path: Path) -> None:
    geocoder = geocoder_of(directory(tmp_path, *ROWS))
    by_either = [
        geocoder.search(f"ch. des Vignes 2, {town}")[0] for town in ("Lancy", "Petit-Lancy")
    ]
    geocoder.close()
    assert [hit.score for hit in by_either] == [1.0, 1.0]


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = directory(tmp_path, columns="STN_LABEL;ADR_NUMBER;ADR_EASTING;ADR_NORTHING")
    with pytest.raises(ExtractUnusableError, match="lacks the columns ZIP_LABEL"):
        geocoder_of(path)


def test_a_bad_row_is_named_with_its_line(tmp_path: Path) -> None:
    path = directory(tmp_path, ROWS[0], ROWS[1].replace("2600010.0", "600010.0"))
    with pytest.raises(ExtractUnusableError, match=r"line 3: easting 600010"):
        geocoder_of(path)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "zipped.csv"
    path.write_bytes(b"PK\x03\x04\xff\xfe\xff" * 50)
    with pytest.raises(ExtractUnusableError, match="not UTF-8 CSV"):
        geocoder_of(path)
