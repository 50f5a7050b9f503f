"""Which versions of the patient key the database needs, and whether this process has them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from atmr_common.database.engine import UNREACHABLE, Database
from atmr_common.database.tenancy import PLATFORM, of_companies
from dispatch_api.companies.tables import CompanyRow
from dispatch_api.patients.tables import PatientRow


async def all_companies(database: Database) -> Sequence[UUID]:
    """The ids of every company, in their order."""
    async with database.transaction(PLATFORM) as session:
        found = await session.scalars(sa.select(col(CompanyRow.id)).order_by(col(CompanyRow.id)))
        return found.all()


async def patients_by_version(database: Database) -> dict[int, int]:
    """How many patients' data keys each version has wrapped; erased patients have none."""
    companies = await all_companies(database)
    version = col(PatientRow.key_version)
    query = (
        sa.select(version, sa.func.count())
        .where(col(PatientRow.data_key).is_not(None))
        .group_by(version)
        .order_by(version)
    )
    async with database.transaction(of_companies(companies)) as session:
        rows = (await session.execute(query)).all()
    return {row[0]: row[1] for row in rows}


def missing_versions(used: Collection[int], known: Collection[int]) -> str | None:
    """One sentence that names the versions in use that are not known, or None."""
    missing = sorted(set(used) - set(known))
    if not missing:
        return None
    names = ", ".join(map(str, missing))
    return (
        f"patients are sealed under version {names} of the patient key, which "
        "ATMR_PATIENT_KEY_FILE does not hold; put it back"
    )


class PatientKeysReady:
    """The readiness check of a service; what was found complete once is not counted again."""

    def __init__(self, database: Database, known: Collection[int]) -> None:
        self._database = database
        self._known = known
        self._complete = False

    async def __call__(self) -> str | None:
        """Why patients could not be read, or None."""
        if self._complete:
            return None
        try:
            reason = missing_versions(await patients_by_version(self._database), self._known)
        except (SQLAlchemyError, *UNREACHABLE) as error:
            return f"the versions of the patient key in use are unknown ({type(error).__name__})"
        self._complete = reason is None
        return reason
