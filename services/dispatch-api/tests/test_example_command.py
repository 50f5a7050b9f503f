"""`atmr example` writes files that `atmr plan` reads, and says that they are synthetic."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from atmr_engine.formats.csv_day import read_day
from dispatch_api.example_command import BOOKINGS_FILE, DUTIES_FILE, command

if TYPE_CHECKING:
    from pathlib import Path

app = typer.Typer()
app.command()(command)


def test_the_files_are_read_back_and_named_synthetic(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    result = CliRunner().invoke(app, [str(folder), "--bookings", "30", "--duties", "4"])
    assert result.exit_code == 0, result.output
    assert "no real patients" in result.output
    assert f"atmr plan {folder / BOOKINGS_FILE}" in result.output.replace("\n", "")
    assert BOOKINGS_FILE.startswith("SYNTHETIC-")
    both = [(folder / name).read_bytes() for name in (BOOKINGS_FILE, DUTIES_FILE)]
    reading = read_day(*both, zone="Europe/Zurich")
    assert reading.errors == ()
    assert reading.day is not None
    assert (len(reading.day.bookings), len(reading.day.duties)) == (30, 4)
    assert (reading.day.synthetic, reading.day.date) == (True, date(2026, 3, 12))


def test_the_same_options_write_the_same_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert CliRunner().invoke(app, [str(tmp_path / name), "--seed", "9"]).exit_code == 0
    texts = {(tmp_path / name / BOOKINGS_FILE).read_text(encoding="utf-8") for name in ("a", "b")}
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--zone", "Mars/Olympus"], "is unknown"),
        (["--radius-km", "0"], "radius_km must be between"),
        (["--lat", "120"], "no place with roads"),
        (["--bookings", "-1"], "--bookings"),
    ],
)
def test_wrong_options_are_usage_errors(tmp_path: Path, options: list[str], message: str) -> None:
    result = CliRunner().invoke(app, [str(tmp_path), *options])
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    result = CliRunner().invoke(app, [str(tmp_path / "file" / "inside")])
    assert result.exit_code == 2
