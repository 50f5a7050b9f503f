"""`make bench-serving`: SERVING.md's goals for rl-inference, in one interleaved run.

Every server has one core and the load another. The measure is the server's processor time per
answer over that of a bare call of ONNX Runtime in the same round, which moves little.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import uvloop
from benchmarks.serving.comparison import compare
from benchmarks.serving.int8 import compare_int8
from benchmarks.serving.overload import overload
from benchmarks.serving.reload import reload
from benchmarks.serving.servers import LOADS_CORE
from benchmarks.serving.soak import soak

PARTS = {
    "servers": compare,
    "reload": reload,
    "overload": overload,
    "int8": compare_int8,
    "soak": soak,
}
USUAL = ("servers", "reload", "overload", "int8")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=[*PARTS], help="may be repeated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--connections", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--swaps", type=int, default=1_000, help="of the reload")
    parser.add_argument("--requests", type=int, default=1_000_000, help="of the soak")
    parser.add_argument(
        "--peers",
        type=Path,
        default=Path(".make/bench-serving/bin/python"),
        help="the interpreter that has the peers' packages; without it they are left out",
    )
    return parser.parse_args()


def main() -> int:
    """Run the parts one after the other; 1 when a goal was missed."""
    options = parsed()
    options.peers = options.peers.absolute()
    os.sched_setaffinity(0, {LOADS_CORE})
    met = True
    for name in options.only or USUAL:
        with ExitStack() as stack, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            sys.stdout.write(f"\n## {name}; load average {os.getloadavg()[0]:.2f}\n")
            sys.stdout.flush()
            met = runner.run(PARTS[name](options, folder)) and met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
