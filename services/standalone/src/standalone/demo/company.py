"""Finds the demo's company again, or sets it up: its id is remembered beside the database."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

from atmr_common.web.identity import Role
from standalone.demo.client import DispatchClient
from standalone.demo.errors import DemoError
from standalone.demo.options import ZONE, DemoOptions
from standalone.issuer.companies import companies_file
from standalone.process import Running

__all__ = ["find_or_set_up", "remembered_companies"]


async def find_or_set_up(running: Running, options: DemoOptions, data: Path) -> UUID:
    """The company's id; a remembered one that this database does not know is set up anew."""
    url = running.urls["dispatch-api"]
    memory = companies_file(data)
    known = remembered_companies(memory)
    remembered = known.get(options.company_name)
    if remembered is not None:
        token = running.token(Role.DISPATCHER, UUID(remembered))
        async with DispatchClient(url, token) as client:
            if await client.company_exists():
                return UUID(remembered)
    async with DispatchClient(url, running.token(Role.SERVICE)) as platform:
        company_id = await platform.set_up_company(options.company_name, ZONE.key)
    known[options.company_name] = str(company_id)
    written = memory.with_suffix(".new")
    written.write_text(json.dumps(known, indent=2))
    written.replace(memory)
    return company_id


def remembered_companies(memory: Path) -> dict[str, str]:
    """Ids of the demo's companies by their name; DemoError where the file cannot be read."""
    try:
        known: dict[str, str] = json.loads(memory.read_text()) if memory.exists() else {}
    except ValueError:
        raise DemoError(f"{memory} is damaged: remove it, and new companies are set up.") from None
    return known
