"""pytest plugin: the fixtures `osrm_server` (Helsinki) and `geneva_osrm_server`, real servers.

The programs are those of OSRM_HOME (a folder with bin/ and share/profiles/), else of the wheel
osrm-bindings, kept in .make/osrm; maps come from ATMR_SHARED or ../shared. Without one: a skip.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHEEL = "osrm-bindings==26.10.0"  # built for Python 3.12; the programs inside need no Python
KEPT_AT = ROOT / ".make" / "osrm" / WHEEL.replace("==", "-")
START_LIMIT_S = 30.0
FIXTURES = ("osrm_server", "geneva_osrm_server", "osrm_map")


class OsrmServer:
    """osrm-routed on a port of its own; it keeps the port when it is started again."""

    def __init__(self, home: Path, dataset: Path) -> None:
        self._home = home
        self._dataset = dataset
        self._port = _free_port()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._log: deque[str] = deque(maxlen=30)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Returns when requests are answered."""
        program = str(self._home / "bin" / "osrm-routed")
        options = ["--algorithm", "mld", "--ip", "127.0.0.1", "--threads", "1"]
        self._process = subprocess.Popen(
            [program, *options, "--port", str(self._port), str(self._dataset)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read_log, args=(self._process, ready))
        self._reader.start()
        if not ready.wait(START_LIMIT_S) or self._process.poll() is not None:
            self.kill()
            raise RuntimeError("osrm-routed did not start:\n" + "".join(self._log))

    def kill(self) -> None:
        """As a crash would; a stopped one stays stopped."""
        if self._process is None or self._reader is None:
            return
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process = self._reader = None

    def _read_log(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self._log.append(line)
                if "waiting for requests" in line:
                    ready.set()
        ready.set()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if set(FIXTURES) & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.osrm)


@pytest.fixture(scope="session")
def osrm_home() -> Path:
    """The folder with bin/ and share/profiles/."""
    configured = os.environ.get("OSRM_HOME")
    home = Path(configured) if configured else KEPT_AT / "osrm"
    if not configured and not home.exists():
        _download()
    if not (home / "bin" / "osrm-routed").exists():
        pytest.skip(f"There is no bin/osrm-routed in {home}; set OSRM_HOME to where OSRM is.")
    return home


@pytest.fixture(scope="session")
def osrm_map(osrm_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Prepares the extract of a name ("helsinki") for osrm-routed, once in a run."""
    prepared: dict[str, Path] = {}

    def prepare(name: str) -> Path:
        if name not in prepared:
            folder = tmp_path_factory.mktemp(f"osrm-{name}")
            prepared[name] = _prepare(osrm_home, _extract(name), folder)
        return prepared[name]

    return prepare


@pytest.fixture
def osrm_server(osrm_home: Path, osrm_map: Callable[[str], Path]) -> Iterator[OsrmServer]:
    """A started server for a small part of Helsinki (24.936 to 24.953 E, 60.165 to 60.179 N)."""
    yield from _running(OsrmServer(osrm_home, osrm_map("helsinki")))


@pytest.fixture
def geneva_osrm_server(osrm_home: Path, osrm_map: Callable[[str], Path]) -> Iterator[OsrmServer]:
    """A started server for the centre of Geneva (6.098 to 6.160 E, 46.194 to 46.229 N)."""
    yield from _running(OsrmServer(osrm_home, osrm_map("geneva")))


def _running(server: OsrmServer) -> Iterator[OsrmServer]:
    server.start()
    yield server
    server.kill()


def _extract(name: str) -> Path:
    shared = Path(os.environ.get("ATMR_SHARED") or ROOT.parent / "shared")
    extract = shared / "data" / "osm" / f"{name}.osm.pbf"
    if not extract.exists():
        pytest.skip(f"The map {extract} is not there; set ATMR_SHARED to the shared data.")
    return extract


def _prepare(home: Path, extract: Path, folder: Path) -> Path:
    copy = folder / extract.name
    shutil.copyfile(extract, copy)
    dataset = copy.with_name(copy.name.replace(".osm.pbf", ".osrm"))
    profile = home / "share" / "profiles" / "car.lua"
    for program, arguments in (
        ("osrm-extract", ["-p", profile, copy]),
        ("osrm-partition", [dataset]),
        ("osrm-customize", [dataset]),
    ):
        command = [str(home / "bin" / program), "-t", "1", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{program} failed:\n{done.stdout}{done.stderr}"
    return dataset


def _download() -> None:
    """The wheel into .make/osrm, whole or not at all; several test workers may do it at once."""
    KEPT_AT.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT_AT.parent) as scratch:
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q"]
        target = ["--python-version", "3.12", "--only-binary=:all:", "--no-deps", "-d", scratch]
        done = subprocess.run(
            [*command, *target, WHEEL], capture_output=True, text=True, check=False
        )
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            pytest.skip(f"pip could not download {WHEEL}, and OSRM_HOME is not set: {done.stderr}")
        unpacked = Path(scratch) / "unpacked"
        with zipfile.ZipFile(wheels[0]) as wheel:
            wheel.extractall(unpacked)
        for program in (unpacked / "osrm" / "bin").iterdir():
            program.chmod(0o755)
        if not KEPT_AT.exists():
            _move(unpacked, KEPT_AT)


def _move(folder: Path, target: Path) -> None:
    try:
        folder.rename(target)
    except OSError:
        if not target.exists():  # else another worker was faster
            raise


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
