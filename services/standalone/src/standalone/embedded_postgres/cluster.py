"""Makes a PostgreSQL data directory ("cluster"), all or nothing.

It is made under another name and renamed when it is complete, so a start that was killed half-way
leaves nothing that a later one could take for a database.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from standalone.embedded_postgres.account import Account
from standalone.embedded_postgres.binaries import Binaries
from standalone.embedded_postgres.child_process import run_program
from standalone.embedded_postgres.errors import EmbeddedPostgresError

__all__ = ["APPLICATION_ROLE", "DATABASE", "SUPERUSER", "cluster_major", "create_cluster"]

SUPERUSER = "postgres"
APPLICATION_ROLE = "atmr"
DATABASE = "atmr"
ROOM_FOR_A_CLUSTER = 200 * 1024 * 1024  # an empty one takes 40 MB, a day of work some more


def cluster_major(cluster: Path) -> int | None:
    """The PostgreSQL version that made `cluster`; None when there is none yet."""
    try:
        return int((cluster / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        raise EmbeddedPostgresError(
            f"{cluster} holds a damaged PG_VERSION: move that folder away to begin anew."
        ) from None


def create_cluster(cluster: Path, binaries: Binaries, account: Account, *, durable: bool) -> None:
    """initdb, our role and our database; `cluster` appears when all of it is done."""
    free = shutil.disk_usage(cluster.parent).free
    if free < ROOM_FOR_A_CLUSTER:
        raise EmbeddedPostgresError(
            f"{cluster.parent} has {free // 2**20} MB free, and a new database needs "
            f"{ROOM_FOR_A_CLUSTER // 2**20} MB: make room, or set ATMR_DATA to another folder."
        )
    unfinished = cluster.with_name(cluster.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if not account.is_ours:
        os.chown(unfinished, account.uid, account.gid)
    run_program(account, _initdb(binaries, unfinished, durable=durable))
    run_program(account, _single_user(binaries, unfinished), script=FIRST_STATEMENTS)
    unfinished.rename(cluster)


# The application does not own the server: row-level security does not bind a superuser.
FIRST_STATEMENTS = f"""\
CREATE ROLE {APPLICATION_ROLE} LOGIN CREATEDB CREATEROLE
CREATE DATABASE {DATABASE} OWNER {APPLICATION_ROLE}
"""


def _initdb(binaries: Binaries, folder: Path, *, durable: bool) -> list[str]:
    command = [str(binaries.initdb), "--pgdata", str(folder), "--username", SUPERUSER]
    command += ["--encoding=UTF8", "--no-instructions", "--auth-local=peer", "--auth-host=reject"]
    if binaries.major >= FIRST_WITH_BUILTIN_LOCALE:
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += ["--locale=C"]
    return command if durable else [*command, "--no-sync", "--wal-segsize=1"]


FIRST_WITH_BUILTIN_LOCALE = 17


def _single_user(binaries: Binaries, folder: Path) -> list[str]:
    return [str(binaries.postgres), "--single", "-D", str(folder), "-c", "fsync=off", SUPERUSER]
