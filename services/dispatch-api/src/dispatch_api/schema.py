"""The schema `dispatch`: the metadata that every table of this service belongs to."""

from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from atmr_common.database.backbone_tables import (
    epoch_table,
    idempotency_table,
    inbox_table,
    recurring_work_table,
)
from atmr_common.database.outbox import outbox_table
from atmr_common.database.tables import service_metadata

SCHEMA = "dispatch"
metadata = service_metadata(SCHEMA)
outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
epoch = epoch_table(metadata)
recurring_work = recurring_work_table(metadata)
idempotency_key = idempotency_table(metadata)


class DispatchTable(SQLModel, registry=registry(metadata=metadata)):
    """Base of this service's rows. SQLModel does not validate rows: services do, before."""
