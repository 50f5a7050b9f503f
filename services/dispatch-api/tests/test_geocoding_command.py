"""`atmr places build` and `atmr places search`, as a person or a program starts them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dispatch_api.geocoding.command import app

VILLAGE = Path(__file__).parent / "geocoding_village.osm"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    path = tmp_path / "places.sqlite"
    built = CliRunner().invoke(app, ["build", str(VILLAGE), "--out", str(path)])
    assert built.exit_code == 0, built.output
    assert "11 houses on 7 streets, 2 points of care from geocoding_village.osm" in built.stdout
    assert "© OpenStreetMap contributors, ODbL" in built.stdout
    return path


def test_json_is_a_list_of_hits(index: Path) -> None:
    arguments = ["search", "rue de la fontane 14", "--index", str(index), "--json", "--limit", "1"]
    result = CliRunner().invoke(app, arguments)
    (hit,) = json.loads(result.stdout)
    assert hit["label"] == "Rue de la Fontaine 14, 1299 Valbourg"
    assert (hit["precision"], hit["lat"], hit["lon"]) == ("house", 46.2002, 6.1005)


def test_a_table_shows_address_precision_and_attribution(index: Path) -> None:
    result = CliRunner().invoke(app, ["search", "sentier perdu", "--index", str(index)])
    assert "Sentier Perdu" in result.stdout
    assert "street" in result.stdout
    assert "ODbL" in result.stdout


def test_nothing_found_is_said(index: Path) -> None:
    result = CliRunner().invoke(app, ["search", "zzzzzz", "--index", str(index)])
    assert result.exit_code == 0
    assert "nothing in" in result.stdout


@pytest.mark.parametrize(
    "arguments", [["search", "rue", "--index", "absent.sqlite"], ["build", "absent.osm.pbf"]]
)
def test_an_error_is_one_sentence(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: there is no ")
    assert result.stderr.count("\n") == 1
