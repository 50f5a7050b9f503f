"""Kafka's records as messages, and the settings that every consumer of ours shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from atmr_common.bus.port import Message, TopicMissingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiokafka import ConsumerRecord

FETCH_BYTES = 1_048_576
"""Of one partition in one answer; a larger message comes alone."""

CONSUMER: dict[str, Any] = {
    "client_id": "atmr",
    "enable_auto_commit": False,
    "request_timeout_ms": 10_000,
    "retry_backoff_ms": 200,
    "metadata_max_age_ms": 60_000,
    "max_partition_fetch_bytes": FETCH_BYTES,
    "fetch_max_wait_ms": 100,
}


def message_of(record: ConsumerRecord[bytes | None, bytes | None]) -> Message:
    """Never fails: what is not UTF-8 is kept as escapes, and the receiver judges the value."""
    return Message(
        topic=record.topic,
        key=_text(record.key),
        value=record.value or b"",
        headers={name: _text(value) for name, value in record.headers},
        partition=record.partition,
        offset=record.offset,
        accepted_at_ms=record.timestamp,
    )


def sentence_of(error: BaseException, topics: Sequence[str]) -> str:
    """For a log: what is wrong, and for a missing topic the remedy."""
    if isinstance(error, UnknownTopicOrPartitionError):
        return str(TopicMissingError(", ".join(topics)))
    return f"{type(error).__name__}: {error}"


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "backslashreplace")


TROUBLE = (KafkaError, OSError)
"""What a broker that is away, or that answers no, raises; TimeoutError is an OSError."""
