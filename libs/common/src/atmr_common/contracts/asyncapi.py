"""AsyncAPI 3.0: the catalogue as a document for those who consume our events.

A component schema is named by its event's type, so `dataschema` (urn:atmr:<type>) leads to it.
"""

from __future__ import annotations

import inspect
from typing import Any

from pydantic import BaseModel

from atmr_common.contracts.catalogue import CATALOGUE, TOPICS, CatalogueEntry, TopicSettings
from atmr_common.contracts.envelope import SPEC_VERSION

HOUR_MS = 3_600_000
BINDING = "0.5.0"
DESCRIPTION = """\
CloudEvents 1.0 over Kafka in binary mode: the envelope is in headers named `ce_*`, the value is \
the event's JSON. Delivery is at least once and in order per key; `ce_id` tells repeats apart. \
Unknown fields, types and codes of newer releases are to be ignored. See docs/events.md."""

HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "ce_specversion": ("The version of CloudEvents.", {"const": SPEC_VERSION}),
    "ce_id": ("The event's identity; a repeat has the same.", {"format": "uuid"}),
    "ce_source": ("The service that tells it.", {"format": "uri-reference"}),
    "ce_type": ("The event's type, which names its schema.", {}),
    "ce_subject": ("The key.", {"minLength": 1}),
    "ce_time": ("When it happened.", {"format": "date-time"}),
    "ce_dataschema": ("`urn:atmr:` and the type.", {"format": "uri"}),
    "ce_companyid": ("Whose event it is; the nil UUID is the platform.", {"format": "uuid"}),
    "ce_aggregateversion": (
        "The version of what the key names, growing with each change.",
        {"pattern": "^[0-9]+$"},
    ),
    "ce_epoch": (
        "The database's life; a restore from a backup begins the next. Absent: 0.",
        {"pattern": "^[0-9]+$"},
    ),
    "ce_traceparent": ("W3C trace context.", {}),
    "ce_tracestate": ("W3C trace state.", {}),
    "content-type": ("Of the value.", {"const": "application/json"}),
}
OPTIONAL = {"ce_epoch", "ce_traceparent", "ce_tracestate"}


def document(version: str) -> dict[str, Any]:
    """The AsyncAPI document of all events, for release `version`."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "ATMR Dispatch events",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic: _channel(topic, settings) for topic, settings in TOPICS.items()},
        "operations": {f"read {topic}": _operation(topic) for topic in TOPICS},
        "components": {
            "messages": {entry.model.__name__: _message(entry) for entry in CATALOGUE.values()},
            "messageTraits": {"cloudEvent": _cloud_event()},
            "schemas": _schemas(),
        },
    }


def _of_topic(topic: str) -> list[str]:
    return [entry.model.__name__ for entry in CATALOGUE.values() if entry.topic == topic]


def _channel(topic: str, settings: TopicSettings) -> dict[str, Any]:
    kept = settings.retention_hours
    configuration = {
        "cleanup.policy": ["compact" if settings.compacted else "delete"],
        "retention.ms": -1 if kept is None else kept * HOUR_MS,
    }
    return {
        "address": topic,
        "title": topic,
        "description": f"{settings.summary} Records are keyed by {settings.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _of_topic(topic)},
        "bindings": {
            "kafka": {
                "topic": topic,
                "partitions": settings.partitions,
                "topicConfiguration": configuration,
                "bindingVersion": BINDING,
            }
        },
    }


def _operation(topic: str) -> dict[str, Any]:
    """An application that reads the topic; ours write it."""
    channel = f"#/channels/{topic}"
    return {
        "action": "receive",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in _of_topic(topic)],
    }


def _message(entry: CatalogueEntry) -> dict[str, Any]:
    return {
        "name": entry.type,
        "title": entry.model.__name__,
        "summary": inspect.getdoc(entry.model),
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "properties": {
                "ce_type": {"type": "string", "const": entry.type},
                "ce_dataschema": {"type": "string", "const": entry.dataschema},
            },
        },
        "payload": {"$ref": f"#/components/schemas/{entry.type}"},
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
    }


def _cloud_event() -> dict[str, Any]:
    properties = {
        name: {"type": "string", "description": description, **rules}
        for name, (description, rules) in HEADERS.items()
    }
    key = {"type": "string", "description": "The channel says what it names."}
    return {
        "headers": {
            "type": "object",
            "required": [name for name in HEADERS if name not in OPTIONAL],
            "properties": properties,
        },
        "bindings": {"kafka": {"key": key, "bindingVersion": BINDING}},
    }


def _schemas() -> dict[str, Any]:
    """The events' schemas by type, and those of their parts by name."""
    found: dict[str, Any] = {}
    for entry in CATALOGUE.values():
        schema = _schema(entry.model)
        found |= schema.pop("$defs", {})
        found[entry.type] = schema
    return dict(sorted(found.items()))


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(ref_template="#/components/schemas/{model}")
