"""`make revision MESSAGE="..."`: write dispatch-api's next revision, on a database made for it."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from atmr_common.database import migrations
from standalone.embedded_postgres import EmbeddedPostgres


async def write(url: str, message: str) -> None:
    await migrations.upgrade(url, package="dispatch_api", schema="dispatch")
    await migrations.revise(url, package="dispatch_api", schema="dispatch", message=message)


def main(message: str) -> None:
    if not message:
        sys.exit('Say what changes: make revision MESSAGE="add the colour of vehicles"')
    with tempfile.TemporaryDirectory(prefix="atmr-revision-") as folder:
        Path(folder).chmod(0o711)  # as root, the server runs under another account
        server = EmbeddedPostgres(Path(folder) / "postgres", durable=False)
        server.start()
        try:
            asyncio.run(write(server.plain_url, message))
        finally:
            server.stop()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
