"""A wrong setting of a service is one sentence that names the variable."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ATMR = Path(sys.executable).with_name("atmr")


@pytest.mark.parametrize("service", ["dispatch-api", "dispatch-worker"])
def test_wrong_settings_end_the_service_with_a_sentence(service: str) -> None:
    wrong = {
        "ATMR_OSRM_URL": "nonsense",
        "ATMR_LOG_LEVEL": "LOUD",
        "DATABASE_URL": "mysql://a:secret@b/c",
    }
    ended = subprocess.run(
        [str(ATMR), "serve", service],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | wrong,
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    [line] = ended.stderr.splitlines()
    assert all(name in line for name in wrong)
    assert "secret" not in line
