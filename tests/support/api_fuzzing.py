"""schemathesis against an API: requests that are made up from its description, and what is wrong.

SCHEMATHESIS_EXAMPLES is how many requests are made up per operation (`make fuzz-api`: many).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import schemathesis
from schemathesis import BaseSchema
from schemathesis.config import (
    CoveragePhaseConfig,
    ExamplesPhaseConfig,
    FuzzingPhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
    StatefulPhaseConfig,
)
from schemathesis.engine import events, from_schema

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "3"))
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "ignored_auth",
)


def schema_at(url: str, api: dict[str, Any], authorization: str) -> BaseSchema:
    """What schemathesis works from: the API as `api` describes it, at `url`."""
    made_up = GenerationConfig(max_examples=EXAMPLES, no_shrink=True)
    config = ProjectConfig(
        base_url=url,
        headers={"Authorization": authorization},
        continue_on_failure=True,
        phases=PhasesConfig(
            examples=ExamplesPhaseConfig(),
            coverage=CoveragePhaseConfig(generation=made_up),
            fuzzing=FuzzingPhaseConfig(generation=made_up),
            stateful=StatefulPhaseConfig(generation=made_up),
        ),
    )
    seed = int(os.environ.get("SCHEMATHESIS_SEED", "1"))
    whole = SchemathesisConfig(seed=seed, projects=ProjectsConfig(default=config))
    return schemathesis.openapi.from_dict(api, config=whole)


def run(
    schema: BaseSchema, expected: frozenset[tuple[str, int]] = frozenset()
) -> tuple[list[str], Counter[str]]:
    """What is wrong, in a line each, and how many requests each phase sent."""
    found: dict[str, None] = {}
    sent: Counter[str] = Counter()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            sent[event.phase.value] += len(event.recorder.cases)
            found |= dict.fromkeys(faults(event, expected))
        if isinstance(event, events.NonFatalError | events.FatalError):
            found[f"schemathesis itself: {event}"[:500]] = None
    return list(found), sent


def faults(event: events.ScenarioFinished, expected: frozenset[tuple[str, int]]) -> Iterator[str]:
    """What the checks of one scenario found, in a line each."""
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.failure_info is None or check.name not in CHECKS:
                continue
            case = event.recorder.cases[case_id].value
            answer = event.recorder.interactions[case_id].response
            if answer and (case.path, answer.status_code) in expected:
                continue
            told = answer.content[:300] if answer and answer.content else b""
            failure = f"{check.failure_info.failure}"[:300]
            yield f"{check.name} {case.method} {case.path}: {failure} | {told!r}"
