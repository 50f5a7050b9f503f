"""What spreadsheets write is read: order marks, line ends, delimiters, encodings, languages."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atmr_engine.formats.csv_bookings import BOOKING_COLUMNS
from atmr_engine.formats.csv_day import read_bookings, read_day
from atmr_engine.formats.csv_writing import write_csv
from atmr_engine.formats.day import (
    BookingRecord,
    BreakRecord,
    Day,
    DayError,
    Direction,
    DutyRecord,
    Mobility,
    Place,
    Point,
)
from atmr_engine.problem import Capacity, DriverKind
from atmr_engine.simulate.demand import Demand, generate_day

ZURICH = ZoneInfo("Europe/Zurich")
DAY = generate_day(Demand(bookings=12, duties=3), seed=5)
FILES = write_csv(DAY)


def rewritten(text: str, delimiter: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(csv.reader(io.StringIO(text)))
    return out.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_and_encodings_read_alike(delimiter: str, encoding: str) -> None:
    both = [rewritten(text, delimiter).encode(encoding) for text in (FILES.bookings, FILES.duties)]
    reading = read_day(*both, zone="Europe/Zurich")
    assert reading.errors == () == reading.warnings
    assert reading.day == DAY


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_read_alike(line_end: str) -> None:
    texts = [text.replace("\n", line_end) for text in (FILES.bookings, FILES.duties)]
    assert read_day(*texts, zone="Europe/Zurich").day == DAY


def test_columns_in_any_order_any_case_and_blank_lines() -> None:
    rows = list(csv.reader(io.StringIO(FILES.bookings)))
    turned = [list(reversed(row)) for row in rows]
    turned[0] = [f" {name.upper()} " for name in turned[0]]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([*turned[:3], [], *turned[3:]])
    reading = read_day(out.getvalue(), FILES.duties, zone="Europe/Zurich")
    assert reading.day == DAY
    assert list(reading.bookings.rows)[:3] == [2, 3, 5]


def test_latin_1_is_read_with_a_warning() -> None:
    text = "booking_id,mobility,pickup_address,dropoff_lat,dropoff_lon,pickup_from\n"
    text += "B1,ambulatory,Chemin de la Forêt 3,46.2,6.1,2026-03-12T08:30\n"
    reading = read_bookings(text.encode("latin-1"), zone=ZURICH)
    assert reading.records[0].pickup.address == "Chemin de la Forêt 3"
    assert "is not UTF-8; read as Windows-1252" in reading.warnings[0]


@pytest.mark.parametrize(
    ("text", "truth"), [("yes", True), ("OUI", True), ("0", False), ("", False)]
)
def test_yes_and_no_in_the_languages_of_the_country(text: str, truth: bool) -> None:  # noqa: FBT001 (a parameter)
    header = "booking_id,mobility,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,pickup_from"
    row = f"B1,ambulatory,46.2,6.1,46.3,6.1,2026-03-12T08:30,{text}"
    [record] = read_bookings(f"{header},ride_alone\n{row}", zone=ZURICH).records
    assert record.ride_alone is truth


def test_clock_times_are_on_the_named_day() -> None:
    header = "booking_id,mobility,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,pickup_from"
    text = f"{header}\nB1,ambulatory,46.2,6.1,46.3,6.1,8:30"
    [record] = read_bookings(text, zone=ZURICH, date=date(2026, 7, 1)).records
    assert record.pickup_from == datetime(2026, 7, 1, 8, 30, tzinfo=ZURICH)


def test_equipment_is_separated_by_semicolons_in_a_semicolon_file_too() -> None:
    header = "booking_id;mobility;pickup_lat;pickup_lon;dropoff_lat;dropoff_lon;pickup_from"
    text = f'{header};equipment\nB1;ambulatory;46.2;6.1;46.3;6.1;2026-03-12T08:30;"a; b;"'
    [record] = read_bookings(text, zone=ZURICH).records
    assert record.equipment == {"a", "b"}


def test_text_with_a_byte_order_mark_and_times_with_seconds() -> None:
    [first, *_] = DAY.duties
    exact = replace(first, shift_start=first.shift_start + timedelta(seconds=7))
    day = replace(DAY, duties=(exact,))
    files = write_csv(day)
    reading = read_day("\ufeff" + files.bookings, files.duties, zone=ZURICH)
    assert reading.warnings == ()
    assert reading.day == day


def test_several_breaks_cannot_be_written() -> None:
    duty = replace(DAY.duties[0], breaks=(BreakRecord(minutes=15), BreakRecord(minutes=15)))
    with pytest.raises(DayError, match="breaks: 2 breaks, a CSV row has one"):
        write_csv(replace(DAY, duties=(duty,)))


words = st.text(
    st.characters(exclude_categories=("C", "Zl", "Zp")) | st.sampled_from("\n;,\"'\t"), max_size=12
).map(lambda text: "" if text.strip() == "\ufeff" else text.strip())
names = st.frozensets(st.sampled_from(["oxygen", "stairs_chair", "ramp, long"]))
minutes = st.one_of(st.none(), st.integers(1, 240).map(float), st.just(7.25))
points = st.builds(Point, st.floats(46.0, 47.0).map(lambda x: round(x, 6)), st.floats(6.0, 7.0))
places = st.builds(Place, address=words, point=points)


def near(day: date) -> st.SearchStrategy[datetime]:
    start = datetime(day.year, day.month, day.day, tzinfo=ZURICH)
    return st.integers(0, 22 * 60).map(
        lambda m: (start.astimezone(ZoneInfo("UTC")) + timedelta(minutes=m)).astimezone(ZURICH)
    )


@st.composite
def days(draw: st.DrawFn) -> Day:
    day = draw(st.sampled_from([date(2026, 3, 12), date(2026, 3, 29), date(2026, 10, 25)]))
    count = draw(st.integers(1, 4))
    bookings = tuple(draw(booking_on(day, f"B{number}", number)) for number in range(count))
    duties = tuple(draw(duty_on(day, number)) for number in range(draw(st.integers(0, 3))))
    return Day(date=day, zone=ZURICH, bookings=bookings, duties=duties)


def booking_on(day: date, identifier: str, number: int) -> st.SearchStrategy[BookingRecord]:
    first = st.none() if number else near(day)
    return st.builds(
        BookingRecord,
        id=st.just(identifier),
        mobility=st.sampled_from(Mobility),
        pickup=places,
        dropoff=places,
        patient_ref=words,
        direction=st.just(Direction.RETOUR if number else Direction.ALLER),
        linked_booking_id=st.just("B0" if number else None),
        pickup_from=near(day) if number else first,
        companions=st.integers(0, 20),
        equipment=names,
        crew_needed=st.one_of(st.none(), st.integers(1, 4)),
        ride_alone=st.booleans(),
        share_group=words,
        service_pickup_min=minutes,
        service_dropoff_min=minutes,
        max_ride_min=minutes,
        priority=st.integers(0, 100),
        notes=words,
    )


def duty_on(day: date, number: int) -> st.SearchStrategy[DutyRecord]:
    start = datetime(day.year, day.month, day.day, 6, tzinfo=ZURICH)
    pause = BreakRecord(minutes=20, earliest=start + timedelta(hours=4), latest=None)
    return st.builds(
        DutyRecord,
        id=st.just(f"D{number}"),
        driver=st.just(f"driver {number}"),
        vehicle=st.just(f"V{number}"),
        capacity=st.builds(
            Capacity,
            seats=st.integers(0, 9),
            wheelchairs=st.integers(0, 3),
            stretchers=st.integers(0, 1),
            fold_seats_per_wheelchair=st.integers(0, 2),
        ),
        shift_start=st.just(start),
        shift_end=st.integers(8, 20).map(lambda hours: start + timedelta(hours=hours)),
        driver_kind=st.sampled_from(DriverKind),
        equipment=names,
        skills=names,
        crew=st.integers(1, 2),
        start=st.one_of(st.none(), points),
        end=st.one_of(st.none(), points),
        breaks=st.sampled_from([(), (pause,)]),
    )


@given(days())
def test_what_is_written_is_read_back_the_same(day: Day) -> None:
    files = write_csv(day)
    reading = read_day(files.bookings, files.duties, zone=ZURICH, date=day.date)
    assert reading.errors == ()
    assert reading.day == day


def test_every_column_of_the_specification_is_written() -> None:
    assert FILES.bookings.splitlines()[0].split(",") == list(BOOKING_COLUMNS.known)
