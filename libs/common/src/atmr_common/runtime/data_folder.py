"""Where standalone keeps its database and the development issuer's key."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_data_folder() -> Path:
    """`ATMR_DATA` where set; else `/var/lib/atmr` for root, else the user's own data folder.

    Root cannot use a folder of its own: PostgreSQL refuses to run as root, and its unprivileged
    account could not enter it.
    """
    chosen = os.environ.get("ATMR_DATA")
    if chosen:
        return Path(chosen)
    if os.geteuid() == 0:
        return Path("/var/lib/atmr")
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "atmr"


class DataSettings(BaseSettings):
    """The data folder alone, as standalone reads it: from the environment or `.env`."""

    model_config = SettingsConfigDict(env_prefix="ATMR_", env_file=".env", extra="ignore")

    data: Path = Field(default_factory=default_data_folder)
