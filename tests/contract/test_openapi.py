"""The committed OpenAPI is what the code says, and it is worth reading."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dispatch_api.openapi_command import document

ROOT = Path(__file__).parents[2]
DOCUMENT = document()
HEALTH = {"livez", "readyz", "startupz", "metrics"}
OPERATIONS = {
    operation["operationId"]: operation
    for methods in DOCUMENT["paths"].values()
    for operation in methods.values()
}
OURS = sorted(OPERATIONS.keys() - HEALTH)


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    if reference:
        return dict(DOCUMENT["components"]["schemas"][reference.rsplit("/", 1)[1]])
    return schema


def has_example(content: dict[str, Any]) -> bool:
    """An example of the whole body, or of some of its fields."""
    if "example" in content or "examples" in content:
        return True
    schema = resolve(content["schema"])
    if schema.get("type") == "array":
        schema = resolve(schema["items"])
    fields = schema.get("properties", {}).values()
    return "examples" in schema or any(
        "examples" in field or "examples" in resolve(field) or "items" in field for field in fields
    )


def test_the_committed_document_is_up_to_date() -> None:
    committed = json.loads((ROOT / "docs" / "openapi" / "dispatch-api.json").read_text())
    assert committed == DOCUMENT, "run `make openapi` and commit the result"


@pytest.mark.parametrize("name", OURS)
def test_an_operation_says_what_it_does_and_what_can_go_wrong(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation.get("description"), "an operation needs a docstring"
    assert {"401", "403"} <= operation["responses"].keys()
    for status, answer in operation["responses"].items():
        if not status.startswith("2"):
            assert "application/problem+json" in answer["content"], f"{status} is no problem"


@pytest.mark.parametrize("name", OURS)
def test_an_operation_has_examples(name: str) -> None:
    operation = OPERATIONS[name]
    bodies = [operation["requestBody"]["content"]] if "requestBody" in operation else []
    bodies += [
        answer["content"]
        for status, answer in operation["responses"].items()
        if status.startswith("2") and "content" in answer
    ]
    for body in bodies:
        for media_type, content in body.items():
            assert has_example(content), f"{name} has no example of {media_type}"
