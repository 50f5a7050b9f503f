"""ONNX Runtime as every server of the benchmark uses it, and what a bare call costs."""

from __future__ import annotations

import sys
import time

import numpy as np
import onnxruntime


def open_session(path: str) -> onnxruntime.InferenceSession:
    """One thread, which does not spin."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def main() -> None:
    """Print the microseconds of a call with one row, each time a line comes in."""
    path, width = sys.argv[1], int(sys.argv[2])
    session = open_session(path)
    state = np.random.default_rng(5).standard_normal((1, width), dtype=np.float32)
    for line in sys.stdin:
        calls = int(line)
        started = time.process_time()
        for _ in range(calls):
            session.run(["scores"], {"features": state})
        sys.stdout.write(f"{1e6 * (time.process_time() - started) / calls}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
