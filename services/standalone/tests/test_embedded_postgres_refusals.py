from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.processes import as_ordinary_user, python_program

from standalone.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
from standalone.embedded_postgres.account import Account, account_for, first_closed_folder
from standalone.embedded_postgres.binaries import newest_binaries
from standalone.embedded_postgres.child_process import explain, run_program

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")
ORDINARY_RUN = """
import os, sys
from pathlib import Path
from standalone.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
assert os.geteuid() != 0
try:
    with EmbeddedPostgres(Path(sys.argv[1]), durable=False) as server:
        print("served", server.pid is not None)
except EmbeddedPostgresError as error:
    print(error)
"""


def _said_by_ordinary_user(folder: Path) -> str:
    prefix, user = as_ordinary_user()
    if user:
        shutil.chown(folder, user)
    with python_program(ORDINARY_RUN, folder / "data", prefix=tuple(prefix)) as process:
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return output.strip()


def test_an_ordinary_user_can_run_it(open_folder: Path) -> None:
    assert _said_by_ordinary_user(open_folder) == "served True"


def test_a_read_only_folder_is_named_with_its_remedy(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    said = _said_by_ordinary_user(open_folder)
    assert f"The data folder {open_folder / 'data'} cannot be written" in said
    assert "set ATMR_DATA" in said


def test_a_folder_in_use_names_the_process(made_data: Path) -> None:
    with (
        EmbeddedPostgres(made_data, durable=False) as living,
        pytest.raises(EmbeddedPostgresError, match=f"in use by another run .process {os.getpid()}"),
    ):
        EmbeddedPostgres(made_data).start()
    assert not living.is_running


def test_data_of_another_version_is_refused_and_kept(own_data: Path) -> None:
    version = own_data / "cluster" / "PG_VERSION"
    version.write_text("14\n")
    with pytest.raises(EmbeddedPostgresError, match=r"was made by PostgreSQL 14.*pg_dump"):
        EmbeddedPostgres(own_data).start()
    assert version.read_text() == "14\n"


def test_a_damaged_version_is_refused(own_data: Path) -> None:
    (own_data / "cluster" / "PG_VERSION").write_text("eighteen")
    with pytest.raises(EmbeddedPostgresError, match="damaged PG_VERSION"):
        EmbeddedPostgres(own_data).start()


def test_damaged_data_is_told_in_the_servers_words(own_data: Path) -> None:
    (own_data / "cluster" / "global" / "pg_control").unlink()
    with pytest.raises(
        EmbeddedPostgresError, match=r"did not start on .*pg_control.*postgres\.log"
    ):
        EmbeddedPostgres(own_data).start()


def test_a_disk_without_room_is_refused_before_anything_is_made(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(open_folder)._replace(free=5 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(EmbeddedPostgresError, match=r"5 MB free.*make room, or set ATMR_DATA"):
        EmbeddedPostgres(open_folder / "data").start()
    assert not (open_folder / "data" / "cluster").exists()


def test_a_disk_that_fills_up_is_explained() -> None:
    output = "LOG:  starting\nPANIC:  could not write to file: No space left on device\n"
    assert explain(output).startswith("PANIC:  could not write")
    assert "the disk is full" in explain(output)


def test_an_init_that_was_killed_half_way_is_done_again(open_folder: Path) -> None:
    remains = open_folder / "data" / "cluster.unfinished"
    remains.mkdir(parents=True)
    (open_folder / "data").chmod(0o755)
    (remains / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(open_folder / "data", durable=False) as server:
        assert server.is_running
    assert not remains.exists()


@AS_ROOT
def test_another_account_of_this_machine_is_not_let_in(made_data: Path) -> None:
    """Not even the one that the server runs under, which can enter the socket's folder."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is not here, so root cannot try another account")
    with EmbeddedPostgres(made_data, durable=False) as server:
        psql = [str(newest_binaries().postgres.with_name("psql")), server.plain_url, "-tAc"]
        ours = subprocess.run([*psql, "SELECT 42"], capture_output=True, text=True, check=True)
        assert ours.stdout.strip() == "42"
        stranger = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        theirs = subprocess.run(
            [*stranger, *psql, "SELECT 42"], capture_output=True, text=True, check=False
        )
    assert theirs.returncode != 0
    assert "Peer authentication failed" in theirs.stderr


@AS_ROOT
def test_a_folder_that_the_account_cannot_enter_is_named_and_left_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedPostgresError, match=r"cannot enter .*set ATMR_DATA"):
        EmbeddedPostgres(closed / "data").start()
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("mode", "closed"), [(0o755, False), (0o711, False), (0o750, True)])
def test_permission_bits_decide_for_another_account(
    open_folder: Path, mode: int, *, closed: bool
) -> None:
    folder = open_folder / "folder"
    folder.mkdir()
    folder.chmod(mode)
    stranger = Account("stranger", 987_654, 987_654)
    assert (first_closed_folder(folder, stranger) == folder) is closed


def test_a_programs_failure_carries_its_last_words() -> None:
    shell = shutil.which("sh")
    assert shell is not None
    message = r"sh failed \(exit code 3\): initdb: error: no"
    with pytest.raises(EmbeddedPostgresError, match=message):
        run_program(
            account_for(Path("no cluster yet")),
            [shell, "-c", "echo 'initdb: error: no' >&2; exit 3"],
        )
