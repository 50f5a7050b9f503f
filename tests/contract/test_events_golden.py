"""What two releases say to each other: each reads the events of the other.

`golden/<release>` holds what the release writes, and its schemas, which stand for its readers.
Files of a release that is out never change; `support.golden_events` writes those of the next.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from support.event_samples import sample
from support.golden_events import golden, write

from atmr_common.contracts.catalogue import BY_TYPE, CATALOGUE, CatalogueEntry
from atmr_common.contracts.dispatch import RELEASE_CODES, AssignmentReleased, PlanCommitted
from atmr_common.contracts.envelope import Envelope

GOLDEN = Path(__file__).parent / "golden"
RELEASES = sorted(
    (path.name for path in GOLDEN.iterdir()), key=lambda name: [int(n) for n in name.split(".")]
)
OLDEST, NEWEST = RELEASES[0], RELEASES[-1]
RECORDS = [path for release in RELEASES for path in sorted((GOLDEN / release).glob("*.json"))]
FIRST_HEADERS = {
    "ce_specversion",
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_subject",
    "ce_time",
    "ce_dataschema",
    "ce_companyid",
    "ce_aggregateversion",
}
"""What a reader of release 0.1.0 asks for."""


def release_and_name(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def test_there_are_events_of_two_releases() -> None:
    assert len(RELEASES) >= 2
    assert {path.stem for path in (GOLDEN / NEWEST).glob("*.json")} == {
        model.__name__ for model in CATALOGUE
    }


@pytest.mark.parametrize("path", RECORDS, ids=release_and_name)
def test_the_present_code_reads_what_a_release_wrote(path: Path) -> None:
    record = read(path)
    envelope = Envelope.from_headers(record["headers"])
    entry = BY_TYPE[envelope.type]
    assert (entry.topic, entry.dataschema) == (record["topic"], envelope.dataschema)
    assert envelope.epoch == (0 if path.parent.name == "0.1.0" else 1)
    event = entry.model.model_validate(record["value"])
    # Nothing that it said is lost: the sample of today holds the same values and more.
    assert event.model_dump(include=record["value"].keys()) == sample(entry.model).model_dump(
        include=record["value"].keys()
    )


@pytest.mark.parametrize("path", sorted((GOLDEN / OLDEST).glob("*.json")), ids=release_and_name)
def test_the_last_release_reads_what_is_written_now(path: Path) -> None:
    schema = read(path.parent / "schemas" / path.name)
    entry = BY_TYPE[read(path)["headers"]["ce_type"]]
    written = golden(entry)
    reader = jsonschema_rs.validator_for(schema, validate_formats=True)
    reader.validate(written["value"])
    assert written["headers"].keys() >= FIRST_HEADERS
    assert not reader.is_valid({}), "a reader that takes anything proves nothing"


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.model.__name__)
def test_the_newest_files_are_what_is_written_now(entry: CatalogueEntry) -> None:
    name = f"{entry.model.__name__}.json"
    advice = f"run `make golden-events RELEASE={NEWEST}`, or RELEASE=<next> if {NEWEST} is out"
    assert read(GOLDEN / NEWEST / name) == golden(entry), advice
    assert read(GOLDEN / NEWEST / "schemas" / name) == entry.model.model_json_schema(), advice


def test_the_files_are_made_alike_each_time(tmp_path: Path) -> None:
    for path in write(tmp_path):
        assert path.read_bytes() == (GOLDEN / NEWEST / path.relative_to(tmp_path)).read_bytes()


@pytest.mark.parametrize(("sentence", "code"), RELEASE_CODES.items())
def test_the_sentences_of_the_first_release_are_read_as_codes(sentence: str, code: str) -> None:
    record = read(GOLDEN / "0.1.0" / "AssignmentReleased.json")
    told = AssignmentReleased.model_validate(record["value"] | {"reason": sentence})
    assert told.reason == code


def test_a_plan_of_the_first_release_tells_no_legs() -> None:
    told = PlanCommitted.model_validate(read(GOLDEN / "0.1.0" / "PlanCommitted.json")["value"])
    assert (told.routes, told.kpis) == ((), {})
