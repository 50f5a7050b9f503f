"""No event can carry personal data: no field is named like it, and none can hold free text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from atmr_common.contracts.bookings import BookingRequested
from atmr_common.contracts.catalogue import CATALOGUE, POSITION, TOPICS
from atmr_common.contracts.envelope import Event
from atmr_common.contracts.vocabulary import Code

PERSONAL = re.compile(
    r"(^|_)(name|first|last|given|family|surname|phone|mobile|tel|mail|email|birth|born|age|sex|"
    r"gender|notes?|remarks?|comment|text|message|words|address|street|city|town|postcode|zip|lat|"
    r"lon|lng|latitude|longitude|coordinates?|geo\w*|door|floor|insurance|diagnosis|subject)(_|$)",
    re.IGNORECASE,
)
ALLOWED = {
    ("PositionReported", "lat"): "a vehicle's, not a patient's; kept for 72 hours",
    ("PositionReported", "lon"): "a vehicle's, not a patient's; kept for 72 hours",
    ("ModelVersion", "name"): "a model's, bounded by a pattern",
}
FORMATS = {"uuid", "date", "date-time"}
LONGEST_CODE = 64


def fields(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every field of a model and of all models within it: model, field, schema."""
    for part in (schema, *schema.get("$defs", {}).values()):
        for name, field in part.get("properties", {}).items():
            yield part["title"], name, field


def leaves(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schemas of single values within a field's schema; references are walked by `fields`."""
    inner = [*schema.get("anyOf", []), *schema.get("allOf", []), *schema.get("prefixItems", [])]
    inner += [schema["items"]] if "items" in schema else []
    for pattern, values in mappings(schema):
        inner += [{"type": "string", "pattern": pattern, **schema.get("propertyNames", {})}, values]
    if not inner and "$ref" not in schema:
        yield schema
    for part in inner:
        yield from leaves(part)


def mappings(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The patterns of a mapping's keys, and what its values are."""
    yield from schema.get("patternProperties", {}).items()
    if isinstance(schema.get("additionalProperties"), dict):
        yield "", schema["additionalProperties"]


def is_bounded(pattern: str, longest: int | None) -> bool:
    """A pattern of single words, and not of sentences: no space, and an end."""
    closed = pattern.startswith("^") and pattern.endswith("$")
    if not closed or any(
        re.search(pattern, text) for text in ("Ann Lee", "a b", "a@b.ch", "7, rue")
    ):
        return False
    return bool(re.search(r"\{\d+(,\d+)?\}\$$", pattern)) or (longest or 999) <= LONGEST_CODE


def is_free(leaf: dict[str, Any]) -> bool:
    """Whether text that nobody foresaw fits into it."""
    if "enum" in leaf or "const" in leaf:
        return False
    kind = leaf.get("type")
    if kind == "string":
        bounded = is_bounded(leaf.get("pattern", ""), leaf.get("maxLength"))
        return leaf.get("format") not in FORMATS and not bounded
    return kind not in {"integer", "number", "boolean", "null"}


def accusations(model: type[BaseModel]) -> list[str]:
    found = []
    for owner, name, field in fields(model.model_json_schema()):
        if PERSONAL.search(name) and (owner, name) not in ALLOWED:
            found.append(f"{owner}.{name} is named like personal data")
        if any(is_free(leaf) for leaf in leaves(field)):
            found.append(f"{owner}.{name} can hold free text: make it a code")
    return found


@pytest.mark.parametrize("model", CATALOGUE, ids=lambda model: model.__name__)
def test_no_event_carries_personal_data(model: type[Event]) -> None:
    assert accusations(model) == []


def test_every_exception_is_needed() -> None:
    present = {
        (owner, name) for model in CATALOGUE for owner, name, _ in fields(model.model_json_schema())
    }
    assert ALLOWED.keys() <= present


def test_positions_are_kept_for_72_hours_at_most() -> None:
    assert (TOPICS[POSITION].longest_hours or 999) <= 72
    with_coordinates = {
        CATALOGUE[model].topic for model in CATALOGUE if "lat" in model.model_fields
    }
    assert with_coordinates == {POSITION}


class Inner(BaseModel):
    street: Code


@pytest.mark.parametrize(
    "annotation",
    [
        str,
        str | None,
        tuple[str, ...],
        dict[str, int],
        dict[Code, str],
        dict[str, Any],
        Any,
        object,
        bytes,
        Inner,
        tuple[Inner, ...],
        Inner | None,
    ],
    ids=str,
)
def test_the_judge_accuses(annotation: Any) -> None:
    class Suspect(BookingRequested):
        harmless: annotation

    assert len(accusations(Suspect)) == 1


@pytest.mark.parametrize(
    "name", ["patient_name", "phone", "home_lat", "birth_date", "pickup_address", "eMail"]
)
def test_the_judge_knows_a_name(name: str) -> None:
    suspect = type("Suspect", (Event,), {"__annotations__": {name: Code}})
    assert len(accusations(suspect)) == 1


@pytest.mark.parametrize("word", ["Ann Lee", "ann lee", "", "ann@example.org", "a" * 65, "a\n"])
def test_a_code_is_no_text(word: str) -> None:
    values = {
        "booking_id": "0193e5a0-0000-7000-8000-000000000001",
        "patient_id": "0193e5a0-0000-7000-8000-000000000002",
        "direction": "ALLER",
        "mobility": "wheelchair",
        "state": "confirmed",
    }
    assert BookingRequested.model_validate(values)
    with pytest.raises(ValueError, match="state"):
        BookingRequested.model_validate(values | {"state": word})
