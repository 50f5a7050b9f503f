"""rl-inference's doors under schemathesis: no 500, nothing undocumented, answers as described."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from support.api_fuzzing import run, schema_at
from support.inference_doors import TOKEN
from support.inference_plane import adder, delays, identity, policy
from support.inference_server import served_doors

from rl_inference.openapi_document import document

DOCUMENT = document()


def described(*prefixes: str) -> dict[str, Any]:
    api = deepcopy(DOCUMENT)
    api["paths"] = {path: of for path, of in api["paths"].items() if path.startswith(prefixes)}
    return api


def found(api: dict[str, Any]) -> tuple[list[str], int]:
    """What is wrong, and how many requests were sent; half of the names are those of a model."""
    with served_doors(models=(adder(), policy(), delays(), identity("BYTES"))) as doors:
        schema = schema_at(f"http://{doors.address}", api, TOKEN)

        @schema.hook("map_path_parameters")
        def own_path(_: Any, values: Any) -> Any:
            for name, own in (("name", "adder"), ("version", "3")):
                if values and len(str(values.get(name, ""))) % 2:
                    values[name] = own
            return values

        faults, sent = run(schema)
    return faults, sum(sent.values())


def test_the_doors_do_as_they_say(capsys: pytest.CaptureFixture[str]) -> None:
    faults, sent = found(described("/v2", "/atmr"))
    with capsys.disabled():
        print(f"\nschemathesis sent {sent} requests to rl-inference")  # noqa: T201 (a count to see)
    assert faults == []
    assert sent > 500, "schemathesis made up hardly any requests"


def test_an_answer_that_is_not_described_is_found() -> None:
    """The control: what is taken out of the description, the checks have to miss."""
    api = described("/v2/models/{name}/config")
    for operation in api["paths"]["/v2/models/{name}/config"].values():
        del operation["responses"]["404"], operation["responses"]["default"]
    faults, _ = found(api)
    assert any(fault.startswith("status_code_conformance") for fault in faults)
