"""The committed AsyncAPI document is what the code says, and is valid by AsyncAPI's own schema.

`asyncapi/3.0.0.schema.json` is that of github.com/asyncapi/spec-json-schemas (Apache-2.0), without
its descriptions and examples.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from support.event_samples import envelope_of, sample
from typer.testing import CliRunner

from atmr_common.contracts.asyncapi import document
from atmr_common.contracts.catalogue import CATALOGUE, SCHEMA_URN, TOPICS, CatalogueEntry
from atmr_common.contracts.envelope import Envelope
from atmr_common.runtime.command_line import app

ROOT = Path(__file__).parents[2]
DOCUMENT = document(version("atmr-common"))
MESSAGES = DOCUMENT["components"]["messages"]
SCHEMAS = DOCUMENT["components"]["schemas"]
ENTRIES = list(CATALOGUE.values())


def named(entry: CatalogueEntry) -> str:
    return entry.model.__name__


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def resolved(reference: str) -> Any:
    part: Any = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        part = part[name]
    return part


def payload_judge(entry: CatalogueEntry) -> jsonschema_rs.Validator:
    schema = {"$ref": f"#/components/schemas/{entry.type}", "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft7Validator(schema, validate_formats=True)


def test_the_committed_document_is_up_to_date() -> None:
    committed = json.loads((ROOT / "docs" / "asyncapi" / "events.json").read_text())
    assert committed == DOCUMENT, "run `make asyncapi` and commit the result"


def test_the_document_is_valid_asyncapi() -> None:
    schema = json.loads((Path(__file__).parent / "asyncapi" / "3.0.0.schema.json").read_text())
    errors = [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(DOCUMENT)]
    assert not errors


def test_every_reference_leads_somewhere() -> None:
    found = list(references(DOCUMENT))
    assert len(found) > len(ENTRIES)
    for reference in found:
        assert resolved(reference)


def test_every_topic_is_a_channel_with_its_events() -> None:
    assert DOCUMENT["channels"].keys() == TOPICS.keys() == {entry.topic for entry in ENTRIES}
    for topic, channel in DOCUMENT["channels"].items():
        expected = {named(entry) for entry in ENTRIES if entry.topic == topic}
        assert channel["messages"].keys() == expected
        assert channel["bindings"]["kafka"]["partitions"] == TOPICS[topic].partitions


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_the_dataschema_of_an_event_names_its_schema(entry: CatalogueEntry) -> None:
    assert SCHEMAS[entry.dataschema.removeprefix(SCHEMA_URN)]["title"] == named(entry)
    assert MESSAGES[named(entry)]["summary"]


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_what_an_event_is_on_the_wire_is_what_the_document_says(entry: CatalogueEntry) -> None:
    event = sample(entry.model)
    judge = payload_judge(entry)
    judge.validate(json.loads(event.model_dump_json()))
    assert not judge.is_valid({})
    traits = DOCUMENT["components"]["messageTraits"]["cloudEvent"]["headers"]
    headers = envelope_of(entry.model).headers()
    for schema in (traits, MESSAGES[named(entry)]["headers"]):
        jsonschema_rs.Draft7Validator(schema, validate_formats=True).validate(headers)


def test_the_described_headers_are_those_of_an_envelope() -> None:
    traits = DOCUMENT["components"]["messageTraits"]["cloudEvent"]["headers"]
    full = envelope_of(ENTRIES[0].model).model_copy(
        update={"traceparent": "00-1", "tracestate": "a=b", "epoch": 3}
    )
    bare = full.model_copy(update={"traceparent": None, "tracestate": None, "epoch": 0})
    assert traits["properties"].keys() == full.headers().keys()
    assert set(traits["required"]) == bare.headers().keys()
    assert Envelope.from_headers(full.headers()) == full


def test_the_command_prints_what_it_writes(tmp_path: Path) -> None:
    printed = CliRunner().invoke(app, ["asyncapi"])
    written = CliRunner().invoke(app, ["asyncapi", "--out", str(tmp_path / "new")])
    assert (printed.exit_code, written.exit_code) == (0, 0)
    assert json.loads(printed.stdout) == DOCUMENT
    assert json.loads((tmp_path / "new" / "events.json").read_text("utf-8")) == DOCUMENT


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    result = CliRunner().invoke(app, ["asyncapi", "--out", str(tmp_path / "taken")])
    assert result.exit_code == 2
    assert "chooseanotherfolder" in re.sub(r"[^a-z]", "", result.stderr)
