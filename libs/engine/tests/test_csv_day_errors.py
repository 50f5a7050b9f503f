"""Every wrong row is named by file, row, column and remedy, and spoils no good one."""

from __future__ import annotations

from datetime import UTC, date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from atmr_engine.formats.csv_day import (
    CsvLimits,
    DayReading,
    Reading,
    read_bookings,
    read_day,
    read_duties,
)
from atmr_engine.formats.day import BookingRecord, Direction, Place, Point

ZONE = "Europe/Zurich"
COLUMNS = (
    "booking_id,mobility,direction,linked_booking_id,pickup_lat,pickup_lon,"
    "dropoff_lat,dropoff_lon,pickup_from,pickup_to,appointment_at"
)
GOOD = "B1,ambulatory,ALLER,,46.20,6.14,46.22,6.16,,,2026-03-12T09:00"
DUTIES = "duty_id,driver,vehicle,seats,shift_start,shift_end\nD1,Ann,V1,4,07:00,16:00\n"


def bookings(*rows: str, columns: str = COLUMNS, zone: str | None = ZONE) -> Reading[BookingRecord]:
    return read_bookings("\n".join([columns, *rows]), zone=zone)


def refusal(reading: Reading[BookingRecord]) -> str:
    [error] = reading.errors
    return str(error)


def with_cell(column: str, text: str, row: str = GOOD) -> str:
    cells = dict(zip(COLUMNS.split(","), row.split(","), strict=True))
    return ",".join({**cells, "booking_id": "B2", column: text}.values())


def test_a_good_file_has_no_errors() -> None:
    reading = bookings(GOOD)
    assert reading.errors == () == reading.warnings
    [record] = reading.records
    assert (record.id, record.pickup) == ("B1", Place(point=Point(46.20, 6.14)))
    assert record.direction is Direction.ALLER
    assert record.appointment_at is not None
    assert record.appointment_at.isoformat() == "2026-03-12T09:00:00+01:00"
    assert reading.day == date(2026, 3, 12)


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        ("mobility", "", "row 3, column mobility: is empty — fill it in"),
        ("mobility", "foot", "'foot' is not possible — write ambulatory or wheelchair"),
        ("booking_id", "", "row 3, column booking_id: is empty — fill it in"),
        ("direction", "HIN", "column direction: 'HIN' is not possible — write ALLER or RETOUR"),
        ("pickup_lat", "NaN", "column pickup_lat: 'NaN' is no number — write digits"),
        ("pickup_lat", "inf", "column pickup_lat: 'inf' is no number"),
        ("pickup_lat", "1e1", "column pickup_lat: '1e1' is no number"),
        ("pickup_lat", "", "column pickup_lat: is empty beside pickup_lon — give both"),
        ("pickup_lat", "200", "200 is out of range — -180 to 180 is possible"),
        ("pickup_from", "tomorrow", "column pickup_from: 'tomorrow' is no time — write it as 2026"),
        ("pickup_from", "12.03.2026 08:30", "is no time — write it as 2026-03-12T08:30"),
        ("pickup_from", "2026-03-12T25:00", "is no time"),
        ("pickup_from", "2026-02-30T10:00", "is no time"),
        ("pickup_from", "0001-01-01T00:00+14:00", "is no time"),
        ("pickup_from", "08:30", "'08:30' has no date — write it as 2026-03-12T08:30, or name"),
        ("appointment_at", "", "column pickup_from: no time at either end — give pickup_from"),
        ("pickup_from", "2026-03-12T09:30", "the appointment (09:00) is before the pickup opens"),
        ("appointment_at", "2026-03-13T09:00", "row 3: is on 2026-03-13, the plan is for"),
        ("linked_booking_id", "B9", "linked_booking_id: no booking has the id 'B9' — correct"),
        ("linked_booking_id", "B2", "linked_booking_id: is the booking itself — name the ALLER"),
        ("linked_booking_id", "B1", "'B1' is not the RETOUR of this ALLER — put the link on"),
    ],
)
def test_a_bad_cell_is_named_and_the_other_row_stays(column: str, text: str, message: str) -> None:
    reading = bookings(GOOD, GOOD.replace("B1", "B0"), with_cell(column, text))
    reading = reading if column == "appointment_at" else bookings(GOOD, with_cell(column, text))
    assert message.replace("row 3", f"row {2 + len(reading.records)}") in refusal(reading)
    assert str(reading.errors[0]).startswith("bookings.csv row ")
    assert reading.records[0].id == "B1"


def test_a_number_with_a_comma_is_told_the_right_number() -> None:
    row = GOOD.replace(",", ";").replace("46.20", "46,20")
    assert refusal(bookings(row, columns=COLUMNS.replace(",", ";"))) == (
        "bookings.csv row 2, column pickup_lat: '46,20' is no number — write 46.20 (with a point)"
    )


def test_a_window_that_closes_before_it_opens() -> None:
    row = "B1,ambulatory,,,46.20,6.14,46.22,6.16,2026-03-12T08:30,2026-03-12T08:00,"
    assert refusal(bookings(row)) == (
        "bookings.csv row 2, column pickup_to: the window closes (08:00) before it opens (08:30)"
        " — correct pickup_from or pickup_to"
    )


def test_a_repeated_id_names_the_first_row() -> None:
    reading = bookings(GOOD, GOOD)
    assert refusal(reading) == (
        "bookings.csv row 3, column booking_id: 'B1' stands already in row 2"
        " — give every row an id of its own"
    )
    assert len(reading.records) == 1


@pytest.mark.parametrize("count", [1, 5])
def test_swapped_coordinates_are_told_apart(count: int) -> None:
    others = [GOOD.replace("B1", f"C{number}") for number in range(count)]
    row = GOOD.replace("46.20,6.14", "6.14,46.20")
    assert (
        "column pickup_lat: latitude 6.14 and longitude 46.2 look swapped"
        " — write pickup_lat 46.2 and pickup_lon 6.14"
    ) in refusal(bookings(row, *others))


def test_swapped_coordinates_of_a_single_booking_are_told_by_the_zone() -> None:
    row = GOOD.replace("46.20,6.14", "6.14,46.20").replace("46.22,6.16", "6.16,46.22")
    assert [error.column for error in bookings(row).errors] == ["dropoff_lat", "pickup_lat"]


def test_half_a_companion_and_a_forecast_without_will_call() -> None:
    columns = COLUMNS + ",companions,ready_forecast"
    assert "'1.5' is no whole number" in refusal(bookings(GOOD + ",1.5,", columns=columns))
    forecast = bookings(GOOD + ",,2026-03-12T12:00", columns=columns)
    assert "ready_forecast: will_call is not yes" in refusal(forecast)


def test_swapped_coordinates_of_a_place_whose_zone_is_on_the_diagonal() -> None:
    """Yerevan's latitude and longitude are alike: only the other rows tell."""
    row = "{},ambulatory,,,40.18,44.51,40.20,44.55,2026-03-12T08:30+04:00,,"
    swapped = row.replace("40.18,44.51", "44.51,40.18")
    reading = bookings(row.format("B1"), row.format("B2"), swapped.format("B3"), zone=None)
    assert "row 4, column pickup_lat" in refusal(reading)
    assert "look swapped" in refusal(reading)


def test_a_latitude_beyond_the_pole_is_swapped() -> None:
    assert "look swapped — write pickup_lat 46.20 and pickup_lon 120" in refusal(
        bookings(GOOD.replace("46.20,6.14", "120,46.20"))
    )


def test_null_island_is_refused_and_a_far_point_is_a_warning() -> None:
    assert "0, 0 is in the Atlantic" in refusal(bookings(GOOD.replace("46.20,6.14", "0,0")))
    far = bookings(GOOD, GOOD.replace("B1", "B2").replace("46.20,6.14", "52.52,13.40"))
    assert far.errors == ()
    assert "pickup is 8" in far.warnings[0]
    assert far.warnings[0].endswith("km from the middle of all points")


def test_neither_address_nor_coordinates() -> None:
    row = "B1,ambulatory,,,,,46.22,6.16,2026-03-12T08:30,,"
    assert "pickup_address: neither an address nor coordinates" in refusal(bookings(row))


def test_an_address_is_kept_for_the_geocoder() -> None:
    columns = COLUMNS.replace("pickup_lat,pickup_lon", "pickup_address,notes")
    reading = bookings(GOOD.replace("46.20,6.14", "Rue de Lausanne 12,ring"), columns=columns)
    assert reading.records[0].pickup == Place(address="Rue de Lausanne 12")
    assert reading.records[0].notes == "ring"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-03-29T02:30", "2026-03-29 02:30 does not exist in Europe/Zurich: the clocks go"),
        ("2026-10-25T02:30", "write its offset: 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30"),
    ],
)
def test_times_that_the_clocks_skip_or_show_twice(text: str, message: str) -> None:
    assert message in refusal(bookings(GOOD.replace("2026-03-12T09:00", text)))


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-10-25T02:30:00+01:00", "01:30"),
        ("2026-10-25T02:30+02:00", "00:30"),
        ("2026-10-25T01:30:00Z", "01:30"),
    ],
)
def test_an_offset_settles_the_hour_that_is_shown_twice(text: str, utc: str) -> None:
    [record] = bookings(GOOD.replace("2026-03-12T09:00", text)).records
    assert record.appointment_at is not None
    assert f"{record.appointment_at.astimezone(UTC):%H:%M}" == utc


def test_naive_times_without_a_zone_are_an_error_not_utc() -> None:
    assert refusal(bookings(GOOD, zone=None)) == (
        "bookings.csv row 2, column appointment_at: '2026-03-12T09:00' has no time zone"
        " — name the zone (--zone Europe/Zurich) or write the offset"
    )


@pytest.mark.parametrize("zone", ["Europe/Zuric", "../etc/passwd", "Europe", "", "\0", "x" * 500])
def test_an_unknown_zone_is_an_error_with_a_remedy(zone: str) -> None:
    reading = read_day(f"{COLUMNS}\n{GOOD}", DUTIES, zone=zone)
    [error] = reading.errors
    assert "is unknown" in error.message
    assert "Europe/" in error.remedy
    assert reading.day is None
    assert read_bookings(f"{COLUMNS}\n{GOOD}", zone=zone).records == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "bookings.csv: is empty — give it a header: booking_id, mobility"),
        ("\n\n", "bookings.csv: is empty"),
        ("booking_id\nB1", "row 1, column mobility: is missing in the header — add the column"),
        ("booking_id,mobility,Mobility\n", "column mobility: stands twice in the header"),
        (b"PK\x03\x04\0\0", "is no text file (a spreadsheet's own format?) — export it as CSV"),
    ],
)
def test_a_file_without_a_usable_header(text: str | bytes, message: str) -> None:
    assert message in refusal(read_bookings(text, zone=ZONE))


def test_a_header_alone_is_an_empty_day_of_the_duties() -> None:
    duties = DUTIES.replace("07:00", "2026-03-12T07:00").replace("16:00", "2026-03-12T16:00")
    reading = read_day(COLUMNS, duties, zone=ZONE)
    assert reading.errors == ()
    assert reading.day is not None
    assert (reading.day.date, reading.day.bookings) == (date(2026, 3, 12), ())


def test_nothing_at_all_says_what_is_missing() -> None:
    [error] = read_day(COLUMNS, DUTIES.splitlines()[0], zone=ZONE).errors
    assert "--date" in error.remedy


def test_rows_with_too_many_or_too_few_fields() -> None:
    reading = bookings(GOOD + ",x", GOOD.replace("B1", "B2"), "B3,ambulatory")
    assert [(error.row, error.message) for error in reading.errors] == [
        (2, "has 12 fields where the header has 11"),
        (4, "has 2 fields where the header has 11"),
    ]
    assert [record.id for record in reading.records] == ["B2"]


def test_the_return_of_a_broken_row_stays_without_its_link() -> None:
    back = "B2,ambulatory,RETOUR,B1,46.22,6.16,46.20,6.14,2026-03-12T12:00,,"
    reading = bookings(GOOD + ",x", back)
    assert len(reading.errors) == 1
    assert reading.records[0].linked_booking_id is None
    assert "linked to row 2, which has an error" in reading.warnings[0]


def test_a_return_linked_to_a_return() -> None:
    back = "{},ambulatory,RETOUR,{},46.22,6.16,46.20,6.14,2026-03-12T12:00,,"
    reading = bookings(GOOD, back.format("B2", "B1"), back.format("B3", "B2"))
    assert "row 4, column linked_booking_id: 'B2' is a RETOUR itself" in refusal(reading)


def test_unknown_columns_are_named_in_a_warning() -> None:
    reading = bookings(GOOD + ",1", columns=COLUMNS + ",componions")
    assert reading.warnings == (
        "bookings.csv: unknown column 'componions' is not read (did you mean 'companions'?)",
    )
    assert len(reading.records) == 1


def test_fields_and_files_are_bounded() -> None:
    long = bookings(GOOD + "," + "x" * 1_001, columns=COLUMNS + ",notes")
    assert "row 2, column notes: has 1001 characters — shorten it to 1000" in refusal(long)
    assert bookings(GOOD + "," + "x" * 1_000, columns=COLUMNS + ",notes").errors == ()
    large = read_bookings(b"x" * 10_000_001, zone=ZONE)
    assert "bookings.csv: is larger than 10 MB — split the file" in refusal(large)
    many = read_bookings("\n".join([COLUMNS, *[GOOD] * 3]), zone=ZONE, limits=CsvLimits(rows=2))
    assert "has more than 2 rows" in str(many.errors[0])


def test_errors_are_all_listed_up_to_a_bound_and_counted_beyond() -> None:
    rows = [with_cell("mobility", "foot").replace("B2", f"B{number}") for number in range(30)]
    text = "\n".join([COLUMNS, *rows])
    assert len(read_bookings(text, zone=ZONE).errors) == 30
    bounded = read_bookings(text, zone=ZONE, limits=CsvLimits(errors=10))
    assert (len(bounded.errors), bounded.unlisted_errors) == (10, 20)


@pytest.mark.parametrize("bad", ['B2,"ambulatory', 'B2,"amb"ulatory,,', 'B2,"x,' + "y" * 200_000])
def test_a_quote_that_is_not_closed_spoils_one_row_only(bad: str) -> None:
    rows = [GOOD.replace("B1", f"C{number}") for number in range(30)]
    reading = bookings(bad, *rows)
    assert {error.row for error in reading.errors} == {2}
    assert len(reading.records) == 30


def test_two_open_quotes_do_not_swallow_the_rows_between() -> None:
    rows = [GOOD.replace("B1", f"C{number}") for number in range(3)]
    reading = bookings('B2,"ambulatory', *rows, 'B3,ambulatory",')
    assert {error.row for error in reading.errors} == {2, 6}
    assert len(reading.records) == 3


def test_an_open_quote_that_meets_a_quoted_field_spoils_one_row_only() -> None:
    quoted = GOOD.replace("ambulatory", '"ambulatory"')
    reading = bookings('B2,"ambulatory', quoted, GOOD.replace("B1", "B3"))
    assert [error.row for error in reading.errors] == [2]
    assert [record.id for record in reading.records] == ["B1", "B3"]


def test_line_breaks_inside_quotes_keep_the_row_numbers_of_the_spreadsheet_lines() -> None:
    columns = COLUMNS + ",notes"
    reading = bookings(GOOD + ',"two\nlines"', with_cell("mobility", "foot") + ",", columns=columns)
    assert reading.records[0].notes == "two\nlines"
    assert "row 4, column mobility" in refusal(reading)


def test_one_day_of_duties_wrong_in_every_way() -> None:
    header = "duty_id,driver,vehicle,seats,shift_start,shift_end,break_min,break_from,break_to"
    rows = [
        "D1,Ann,V1,4,2026-03-12T07:00,2026-03-12T16:00,30,2026-03-12T11:00,2026-03-12T13:00",
        "D2,Ann,V2,4,2026-03-12T15:00,2026-03-12T18:00,,,",
        "D3,Bea,V3,4,2026-03-12T22:00,2026-03-12T06:00,,,",
        "D4,Cid,V4,x,2026-03-12T07:00,2026-03-12T16:00,,,",
        "D5,Dan,V5,4,2026-03-12T07:00,2026-03-12T16:00,60,2026-03-12T11:00,2026-03-12T11:30",
        "D6,Eve,V6,4,2026-03-12T07:00,2026-03-12T16:00,30,2026-03-12T16:00,2026-03-12T17:00",
        "D7,Fay,V7,4,2026-03-11T07:00,2026-03-11T16:00,,,",
        "D8,Gus,V8,4,2026-03-12T07:00,2026-03-12T16:00,,2026-03-12T11:00,",
        "D9,Hal,V9,4,2026-03-12T07:00,2026-03-14T16:00,,,",
    ]
    reading = read_duties("\n".join([header, *rows]), zone=ZONE, date=date(2026, 3, 12))
    found = {error.row: f"{error.column}: {error.message}" for error in reading.errors}
    assert found[3].startswith("driver: 'Ann' is on duty 'D1' (row 2) at the same time")
    assert found[4].startswith("shift_end: the shift ends (06:00) before it starts (22:00)")
    assert found[5] == "seats: 'x' is no number"
    assert found[6].startswith("break_")
    assert found[7].startswith("break_min: a break of 30 minutes does not fit")
    assert found[8].startswith("shift_start: the shift is on 2026-03-11, the plan is for 2026-")
    assert found[9] == "break_min: is empty beside a break window"
    assert found[10] == "shift_end: the shift is longer than 24 hours"
    assert [record.id for record in reading.records] == ["D1"]


def test_swapped_depots_are_found_by_the_bookings() -> None:
    duties = DUTIES.replace("shift_end", "shift_end,start_lat,start_lon")
    duties = duties.replace("16:00", "16:00,44.51,40.18")
    row = "B1,ambulatory,,,40.18,44.51,40.20,44.55,2026-03-12T08:30,,"
    reading = read_day(f"{COLUMNS}\n{row}", duties, zone="Asia/Yerevan")
    assert "duties.csv row 2, column start_lat" in str(reading.errors[0])


def test_without_a_zone_offsets_are_enough_and_the_answer_says_which_is_shown() -> None:
    text = f"{COLUMNS}\n{GOOD}+01:00"
    reading = read_day(text, DUTIES.replace("07:00", "2026-03-12T07:00+01:00"), zone=None)
    assert {error.column for error in reading.errors} == {"shift_end"}
    assert any("UTC+01:00" in warning for warning in reading.warnings)


cell = st.text(max_size=20) | st.sampled_from(["46.2", "6.1", "2026-03-12T08:30", "B1", '"', "yes"])


@given(
    header=st.lists(st.sampled_from(COLUMNS.split(",")), unique=True),
    rows=st.lists(st.lists(cell, max_size=12), max_size=5),
    delimiter=st.sampled_from(",;\t"),
)
def test_no_text_raises(header: list[str], rows: list[list[str]], delimiter: str) -> None:
    names = ["booking_id", "mobility", *header]
    text = "\n".join(delimiter.join(row) for row in [names, *rows])
    reading: DayReading = read_day(text, text, zone=ZONE)
    assert reading.day is None or len(reading.day.bookings) <= 20 * (len(rows) + 1)


@given(data=st.binary(max_size=200))
@example(data=b"\xff\xfeb\x00")
@example(data=b"\xff\xfe\xff")
def test_no_bytes_raise(data: bytes) -> None:
    assert read_bookings(data, zone=ZONE).records == ()
