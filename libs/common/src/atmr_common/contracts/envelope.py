"""CloudEvents 1.0 in binary mode: the envelope is headers, the value is the event's JSON.

Events carry ids only: no name, phone, note, home address or coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

SPEC_VERSION = "1.0"


class Event(BaseModel):
    """Base of every event's payload; unknown fields of newer releases are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Envelope(BaseModel):
    """What every event says about itself.

    `subject` is the key: events of one key arrive in the order of their commits.
    `aggregate_version` lets a consumer see gaps and repeats. `epoch` is the database's life that
    the event belongs to: a restore from a backup begins a new one, and the relay stamps it when it
    publishes; 0 means that it was not stamped (release 0.1.0). Events of the platform, which
    concern no single company, stand under the nil UUID.
    """

    model_config = ConfigDict(frozen=True)

    id: UUID
    source: str
    type: str
    subject: str
    time: AwareDatetime
    dataschema: str
    company_id: UUID
    aggregate_version: int
    traceparent: str | None = None
    tracestate: str | None = None
    epoch: int = Field(0, ge=0)

    def headers(self) -> dict[str, str]:
        """The `ce_*` headers of CloudEvents' Kafka binding (binary content mode)."""
        values = {
            "specversion": SPEC_VERSION,
            "id": str(self.id),
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": self.time.isoformat(),
            "dataschema": self.dataschema,
            "companyid": str(self.company_id),
            "aggregateversion": str(self.aggregate_version),
            "traceparent": self.traceparent,
            "tracestate": self.tracestate,
            "epoch": str(self.epoch) if self.epoch else None,
        }
        named = {f"ce_{name}": value for name, value in values.items() if value is not None}
        return named | {"content-type": "application/json"}

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> Self:
        """Read the envelope back.

        Raises:
            KeyError, ValueError: when a header is missing or cannot be read.

        """
        return cls(
            id=UUID(headers["ce_id"]),
            source=headers["ce_source"],
            type=headers["ce_type"],
            subject=headers["ce_subject"],
            time=datetime.fromisoformat(headers["ce_time"]),
            dataschema=headers["ce_dataschema"],
            company_id=UUID(headers["ce_companyid"]),
            aggregate_version=int(headers["ce_aggregateversion"]),
            traceparent=headers.get("ce_traceparent"),
            tracestate=headers.get("ce_tracestate"),
            epoch=int(headers.get("ce_epoch", "0")),
        )
