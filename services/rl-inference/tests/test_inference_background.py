"""The thread that loads models gives way to the loop's."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from rl_inference.dataplane.background import NICE, background_thread


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no priority for a thread")
def test_it_has_a_lower_priority_and_the_others_keep_theirs() -> None:
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    with background_thread() as executor:
        found = executor.submit(
            lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        ).result()
    assert found == max(before, NICE)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
