"""The newest revision and the tables say the same."""

from __future__ import annotations

from atmr_common.database.migrations import drift, pending


async def test_no_revision_is_missing(database_url: str) -> None:
    await drift(database_url, package="dispatch_api", schema="dispatch")


async def test_a_migrated_schema_is_at_its_head(database_url: str) -> None:
    assert await pending(database_url, package="dispatch_api", schema="dispatch") is None


async def test_an_empty_database_is_behind(empty_database_url: str) -> None:
    reason = await pending(empty_database_url, package="dispatch_api", schema="dispatch")
    assert reason is not None
    assert "dispatch" in reason
