"""The schema `dispatch`: the metadata that every table of this service belongs to."""

from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from atmr_common.database.outbox import outbox_table
from atmr_common.database.tables import service_metadata

SCHEMA = "dispatch"
metadata = service_metadata(SCHEMA)
outbox = outbox_table(metadata)


class DispatchTable(SQLModel, registry=registry(metadata=metadata)):
    """Base of this service's rows. SQLModel does not validate rows: services do, before."""
