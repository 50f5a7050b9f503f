"""`atmr plan` on generated and on broken files: a right plan, or errors with row and remedy."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from atmr_engine.formats.csv_writing import write_csv
from atmr_engine.simulate.demand import Demand, generate_day
from dispatch_api.geocoding.index_building import build_index
from dispatch_api.plan_command import command

VILLAGE = Path(__file__).parent / "geocoding_village.osm"
CLOSED_PORT = "http://127.0.0.1:9"
HEADER = "booking_id,mobility,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,pickup_from"
ROW = "B1,ambulatory,46.20,6.14,46.22,6.16,2026-03-12T08:30"
DUTIES = "duty_id,driver,vehicle,seats,shift_start,shift_end\nD1,Ann,V1,4,07:00,16:00\n"

app = typer.Typer()
app.command()(command)


@dataclass
class Desk:
    """A folder with the two files, and the command run on them."""

    folder: Path

    def put(self, bookings: str | bytes, duties: str | bytes = DUTIES) -> Desk:
        for name, content in (("day.csv", bookings), ("duties.csv", duties)):
            data = content if isinstance(content, bytes) else content.encode()
            (self.folder / name).write_bytes(data)
        return self

    def put_generated(self, bookings: int, duties: int, seed: int = 1) -> Desk:
        files = write_csv(generate_day(Demand(bookings=bookings, duties=duties), seed))
        return self.put(files.bookings, files.duties)

    def run(self, *options: str, zone: str | None = "Europe/Zurich") -> Any:
        named = [] if zone is None else ["--zone", zone]
        files = [str(self.folder / "day.csv"), "--vehicles", str(self.folder / "duties.csv")]
        return CliRunner().invoke(app, [*files, *named, *options])

    def planned(self, *options: str, zone: str | None = "Europe/Zurich") -> dict[str, Any]:
        result = self.run("--json", *(options or ("--iterations", "0")), zone=zone)
        assert result.exit_code == 0, result.stderr
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    def refused(self, *options: str, zone: str | None = "Europe/Zurich") -> str:
        result = self.run("--out", str(self.folder / "plan.json"), *options, zone=zone)
        assert result.exit_code == 1
        assert result.stdout == ""
        assert "Nothing was planned" in result.stderr
        assert not (self.folder / "plan.json").exists()
        return " ".join(result.stderr.split())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def bookings_of(answer: dict[str, Any]) -> list[str]:
    """Every booking in the answer: served, unserved and held."""
    stops = [stop for route in answer["routes"] for stop in route["stops"]]
    served = [stop["booking"] for stop in stops if stop["kind"] == "dropoff"]
    return served + [left["booking"] for left in answer["unserved"] + answer["held"]]


@pytest.mark.parametrize(
    ("bookings", "duties"), [(120, 12), (1, 1), (0, 3), (1, 0), (0, 0), (1_000, 90)]
)
def test_days_of_every_size_are_planned_and_nothing_is_lost(
    desk: Desk, bookings: int, duties: int
) -> None:
    options = ["--iterations", "50"]
    if not duties and not bookings:
        options += ["--date", "2026-03-12"]
    answer = desk.put_generated(bookings, duties).planned(*options)
    assert answer["valid"] is True
    assert answer["synthetic"] is True or not (bookings or duties)
    assert sorted(set(bookings_of(answer))) == sorted(bookings_of(answer))
    assert len(bookings_of(answer)) == bookings
    assert all(left["reason"] and left["rule"] for left in answer["unserved"])
    assert answer["vehicles"] <= duties


def test_a_day_of_the_issue_has_wheelchairs_links_shifts_and_breaks(desk: Desk) -> None:
    answer = desk.put_generated(120, 12).planned("--iterations", "300")
    stops = [stop for route in answer["routes"] for stop in route["stops"]]
    assert {"ambulatory", "wheelchair", "stretcher"} <= {stop["mobility"] for stop in stops}
    assert {"RETOUR", "ALLER"} <= {stop["direction"] for stop in stops}
    assert {"start", "pickup", "dropoff", "break", "end"} == {stop["kind"] for stop in stops}
    assert answer["kpis"]["served"] >= 100
    assert answer["kpis"]["appointments_on_time"] == answer["kpis"]["appointments"] > 0
    begins = [datetime.fromisoformat(stop["begin"]) for stop in stops]
    assert {begin.utcoffset() for begin in begins} == {
        datetime.fromisoformat("2026-03-12T08:00+01:00").utcoffset()
    }


def test_stops_say_who_is_on_board_and_where(desk: Desk) -> None:
    row = ROW.replace("46.20,6.14", "46.20,6.14,Home").replace("46.22,6.16", "46.22,6.16,Clinic")
    header = HEADER.replace("pickup_lon", "pickup_lon,pickup_address")
    header = header.replace("dropoff_lon", "dropoff_lon,dropoff_address")
    desk.put(f"{header},companions\n{row},2")
    [route] = desk.planned()["routes"]
    served = [stop for stop in route["stops"] if stop["booking"]]
    assert [(stop["place"], stop["riders"]) for stop in served] == [("Home", 3), ("Clinic", 0)]
    assert (route["duty"], route["driver"], route["vehicle"]) == ("D1", "Ann", "V1")
    assert served[0]["begin"].startswith("2026-03-12T08:")


def test_the_same_iterations_give_the_same_plan_again(desk: Desk) -> None:
    desk.put_generated(40, 5)
    first, again = (desk.planned("--iterations", "200", "--seed", "7") for _ in range(2))
    assert first.pop("seconds") is not None
    again.pop("seconds")
    assert first == again


def test_the_plan_is_printed_for_people_and_written_for_programs(desk: Desk) -> None:
    out = desk.folder / "plan.json"
    result = desk.put_generated(12, 3).run("--iterations", "10", "--out", str(out))
    assert result.exit_code == 0, result.stderr
    for words in ("pick up", "drop off", "served", "km loaded", "SYNTHETIC", "great-circle"):
        assert words in result.stdout
    answer = json.loads(out.read_text(encoding="utf-8"))
    assert {"cost", "vehicles", "unserved", "valid", "iterations", "seconds", "routes"} <= set(
        answer
    )
    assert answer["iterations"] == 10


def test_a_place_for_the_plan_that_is_none_is_refused_before_the_search(desk: Desk) -> None:
    out = desk.folder / "nowhere" / "plan.json"
    result = desk.put(f"{HEADER}\nbroken").run("--out", str(out))
    assert result.exit_code == 2
    assert "choose another folder" in " ".join(result.stderr.replace("│", " ").split())
    assert "row" not in result.stderr


def test_no_vehicle_leaves_everything_unserved_with_a_reason(desk: Desk) -> None:
    desk.put(f"{HEADER}\n{ROW}", DUTIES.splitlines()[0])
    [left] = desk.planned()["unserved"]
    assert (left["booking"], bool(left["reason"])) == ("B1", True)
    assert "Unserved" in desk.run("--iterations", "0").stdout


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_spreadsheet_dialects_give_the_same_plan(
    desk: Desk, delimiter: str, line_end: str, encoding: str
) -> None:
    out = io.StringIO(newline="")
    rows = csv.reader(io.StringIO(f"{HEADER}\n{ROW}"))
    csv.writer(out, delimiter=delimiter, lineterminator=line_end).writerows(rows)
    answer = desk.put(out.getvalue().encode(encoding)).planned()
    assert bookings_of(answer) == ["B1"]
    assert answer["kpis"]["served"] == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([ROW, ROW], "day.csv row 3, column booking_id: 'B1' stands already in row 2 — give every"),
        ([ROW.replace("46.20,6.14", "6.14,46.20")], "row 2, column pickup_lat: latitude 6.14"),
        ([ROW.replace("08:30", "08:60")], "row 2, column pickup_from: '2026-03-12T08:60' is no t"),
        ([ROW.replace("ambulatory", "flying")], "write ambulatory or wheelchair or stretcher"),
    ],
)
def test_bad_rows_are_named_and_nothing_is_planned(
    desk: Desk, rows: list[str], message: str
) -> None:
    assert message in desk.put("\n".join([HEADER, *rows])).refused()


def test_a_window_that_closes_before_it_opens_is_refused(desk: Desk) -> None:
    desk.put(f"{HEADER},pickup_to\n{ROW},2026-03-12T08:00")
    assert "row 2, column pickup_to: the window closes (08:00) before it opens" in desk.refused()


def test_an_unknown_zone_and_a_missing_zone_are_refused(desk: Desk) -> None:
    desk.put(f"{HEADER}\n{ROW}")
    assert "--zone: the time zone 'Europe/Zuerich' is unknown — did you mean Europe/" in (
        desk.refused(zone="Europe/Zuerich")
    )
    assert "has no time zone — name the zone (--zone Europe/Zurich)" in desk.refused(zone=None)


def test_all_errors_of_both_files_are_listed(desk: Desk) -> None:
    text = desk.put(f"{HEADER}\n{ROW}x\n{ROW}y", DUTIES.replace("4,07:00", "x,07:00")).refused()
    assert "day.csv row 2" in text
    assert "day.csv row 3" in text
    assert "duties.csv row 2, column seats: 'x' is no number" in text


def test_bad_rows_can_be_skipped_and_are_still_named(desk: Desk) -> None:
    desk.put(f"{HEADER}\n{ROW}\n{ROW.replace('B1', 'B2').replace('46.22', '46,22')}")
    assert "row 3" in desk.refused()
    result = desk.run("--skip-bad-rows", "--json", "--iterations", "0")
    assert result.exit_code == 0
    assert "row 3" in result.stderr
    answer = json.loads(result.stdout)
    assert bookings_of(answer) == ["B1"]
    assert "day.csv row 3" in answer["skipped"][0]


ADDRESSES = "booking_id,mobility,pickup_address,dropoff_lat,dropoff_lon,pickup_from"


def test_addresses_need_an_index_and_are_found_with_one(desk: Desk) -> None:
    index = desk.folder / "places.sqlite"
    build_index(VILLAGE, index, built_at=datetime(2026, 3, 1, tzinfo=UTC))
    row = "B1,ambulatory,Rue de la Fontaine 12 Valbourg,46.2150,6.1500,2026-03-12T08:30"
    desk.put(f"{ADDRESSES}\n{row}")
    assert "row 2, column pickup_address: has no coordinates — give coordinates, or an index" in (
        desk.refused()
    )
    assert desk.planned("--places", str(index), "--iterations", "0")["kpis"]["served"] == 1


def test_an_address_that_nobody_knows_is_refused(desk: Desk) -> None:
    index = desk.folder / "places.sqlite"
    build_index(VILLAGE, index, built_at=datetime(2026, 3, 1, tzinfo=UTC))
    desk.put(f"{ADDRESSES}\nB1,ambulatory,Xyzzy 99,46.2150,6.1500,2026-03-12T08:30")
    assert "'Xyzzy 99' was not found" in desk.refused("--places", str(index))


def test_will_call_without_a_forecast_is_held_and_said(desk: Desk) -> None:
    desk.put(f"{HEADER},will_call\n{ROW},\nB2,ambulatory,46.20,6.14,46.22,6.16,,yes")
    answer = desk.planned()
    assert [held["booking"] for held in answer["held"]] == ["B2"]
    assert "Held out of the plan" in desk.run("--iterations", "0").stdout


def test_an_osrm_that_does_not_answer_marks_the_plan_degraded(desk: Desk) -> None:
    desk.put(f"{HEADER}\n{ROW}")
    answer = desk.planned("--osrm", CLOSED_PORT, "--iterations", "0")
    assert answer["travel"]["source"] == "great_circle"
    assert answer["travel"]["degraded"]
    assert answer["valid"] is True
    result = desk.run("--osrm", CLOSED_PORT, "--iterations", "0")
    assert "Degraded: travel times are great_circle" in result.stdout


@pytest.mark.parametrize(
    "options",
    [
        ["--osrm", "no url"],
        ["--iterations", "-1"],
        ["--date", "tomorrow"],
        ["--places", "absent.sqlite"],
        ["--out", "absent/folder/plan.json", "--iterations", "0"],
    ],
)
def test_wrong_options_are_usage_errors(desk: Desk, options: list[str]) -> None:
    assert desk.put(f"{HEADER}\n{ROW}").run(*options).exit_code == 2


def test_a_missing_file_is_a_usage_error(desk: Desk) -> None:
    assert desk.run().exit_code == 2


def test_control_characters_of_a_file_never_reach_the_terminal(desk: Desk) -> None:
    desk.put(f"{HEADER},patient_ref\n{ROW},\x1b[31mred[bold]")
    result = desk.run("--iterations", "0")
    assert result.exit_code == 0, result.stderr
    assert "\x1b" not in result.stdout
    assert "[bold]" in result.stdout.replace("\n", "")
