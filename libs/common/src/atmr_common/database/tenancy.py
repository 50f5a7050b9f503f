"""Whose rows a transaction may touch: row-level security refuses what a query forgot.

A transaction acts as one of a schema's roles (`atmr_<schema>_app`, `_platform`, `_relay`), none of
which owns a table or can pass by a policy, and names the companies whose rows it may see.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa

ENTER = sa.text(
    "SELECT set_config('role', :role, true), set_config('app.company_ids', :company_ids, true)"
)
"""Both hold until the transaction ends."""


class DatabaseRole(StrEnum):
    """What a transaction may do at all; which rows, its companies say."""

    APP = "app"  # rows of the companies named
    PLATFORM = "platform"  # what concerns all companies: setting one up, claiming runs, upkeep
    RELAY = "relay"  # the outbox, and nothing else
    OWNER = "owner"  # the login itself: only for what needs ownership, such as new partitions


@dataclass(frozen=True, slots=True)
class Tenancy:
    """A role, and the companies that it acts for."""

    role: DatabaseRole
    company_ids: tuple[UUID, ...] = ()

    def settings(self, schema: str) -> dict[str, str]:
        """The parameters of `ENTER` for the roles of `schema`."""
        return {"role": self.role_name(schema), "company_ids": ",".join(map(str, self.company_ids))}

    def role_name(self, schema: str) -> str:
        """PostgreSQL's name of the role; `none` is the login itself."""
        return "none" if self.role is DatabaseRole.OWNER else f"atmr_{schema}_{self.role}"


PLATFORM = Tenancy(DatabaseRole.PLATFORM)
RELAY = Tenancy(DatabaseRole.RELAY)
OWNER = Tenancy(DatabaseRole.OWNER)


def of_company(company_id: UUID) -> Tenancy:
    """One company's rows."""
    return Tenancy(DatabaseRole.APP, (company_id,))


def of_companies(company_ids: Iterable[UUID]) -> Tenancy:
    """The rows of several companies, for batches."""
    return Tenancy(DatabaseRole.APP, tuple(sorted(set(company_ids))))
