"""Whatever ends the harness, no server and no process of its mesh stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from chaos.children import TESTS
from support.kafka_servers import Distribution

PATIENCE_S = 60.0
ZYGOTE_AND_TWO = 3
SERVERS = ("kafka.Kafka", "postgres")
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.kafka,
    pytest.mark.skipif(
        Distribution.found() is None, reason="needs Java and Kafka's distribution: set KAFKA_HOME"
    ),
]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_stays(end: signal.Signals) -> None:
    command = [sys.executable, "-m", "chaos.run", "--only", "inbox_off", "--seed", "1"]
    with subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": str(TESTS)}, stdout=subprocess.DEVNULL
    ) as harness:
        mesh = _of_a_run(psutil.Process(harness.pid))
        harness.send_signal(end)
        _, staying = psutil.wait_procs(mesh, timeout=PATIENCE_S)
        for each in staying:
            each.kill()
        assert harness.wait(PATIENCE_S) == (1 if end is signal.SIGTERM else -end)
    assert staying == []


def _of_a_run(harness: psutil.Process) -> list[psutil.Process]:
    """All that it has started, once a control's API and consumer are forked from the zygote."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        found = harness.children(recursive=True)
        commands = [_command(each) for each in found]
        servers = all(
            any(part in each for each in commands) for part in ("kafka.Kafka", "postgres")
        )
        if servers and sum("chaos.zygote" in each for each in commands) >= ZYGOTE_AND_TWO:
            return found
        time.sleep(0.1)
    pytest.fail("the harness did not come so far")


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""
