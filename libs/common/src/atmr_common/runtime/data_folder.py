"""Where standalone keeps its database and the development issuer's key."""

from __future__ import annotations

import os
from pathlib import Path


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
